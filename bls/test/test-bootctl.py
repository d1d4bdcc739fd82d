#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our values and our order of random sets of entries are those of systemd's bootctl.

It is Debian's bootctl 252, unpacked but not installed, because installing its package writes a boot
loader to the disk. Only its three differences from the specification are allowed:
- it compares file names with their suffix, so that "a-1.conf" is older than "a.conf";
- it has no order for entries that differ only in their boot counters, or in characters that do not
  count;
- it does not know uki, uki-url, extra and profile.
libostree's entries have an order of their own, see test-ostree-order.py.
"""
import functools
import json
import os
import subprocess
import sys

from testlib import tap
from rig.disk import releases

SETS = 400

NAME_PIECES = ["a", "b", "B", "debian", "ostree", "6.1", "6.10", "6.9", "01", "1", "0", "-", "_",
               ".", "-rc1", "+", "+1"]
COUNTERS = [""] * 8 + ["+3", "+03", "+0", "+0-3", "+00-11", "+2-1", "+2-10", "+3-", "+3foo", "+0x",
                       "+", "+1-1-1", "-0", "+2147483647"]
VERSION_PIECES = ["6.1", "6.10", "6.9", "01", "1", "0", "~rc1", "-rc1", "-", "^", ".", "a", "B",
                  " ", "ä", "~"]
VALUES = {
    "sort-key": ["a", "b", "A", "debian", "debian 12", "ä"],
    "machine-id": ["", "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"],
    "title": ["T", "Bob's \"100%\" OS", "a  b\tc", "ä # b", "'x'"],
    "architecture": ["x64", "AA64"],
    "options": ["", "quiet", "root=LABEL=x  rw", 'dyndbg="file  a.c +p"', r"a\x20b \\", "it's",
                "# no comment", "a\tb", "ä=$x;{}", '"a b"'],
    "linux": ["/k", "k", "/a/linux b", "/ä..b"],
    "initrd": ["/i", "i j", "/microcode"],
    "efi": ["/x.efi", "x.efi"],
    "devicetree": ["/b.dtb", "b.dtb"],
    "x-more": ["", "a b"],
    "#linux": ["/no"],
    " # options": ["no"],
}
# bootctl's names of our fields, where they differ.
NAMES = {"file": "path", "sort-key": "sortKey", "machine-id": "machineId",
         "tries-left": "triesLeft", "tries-done": "triesDone"}
FIELDS = ["title", "sortKey", "version", "machineId", "architecture", "options", "linux", "efi",
          "initrd", "devicetree"]


def make_version(rnd, pieces):
    return "".join(rnd.choices(pieces, k=rnd.randint(1, 4)))


def make_name(rnd):
    name = make_version(rnd, NAME_PIECES) + rnd.choice(COUNTERS)
    return (name.lstrip(".") or "a") + rnd.choice([".conf"] * 9 + [".CONF"])


def make_entry(rnd, name, new_style):
    """An entry with its lines in any order and layout; new_style: with a sort-key."""
    keys = ["linux"] * 3 + rnd.choices(list(VALUES), k=rnd.randint(0, 9))
    keys = [key for key in keys if key != "sort-key"]
    if new_style or name.startswith("ostree-"):
        keys += ["sort-key"]
    keys += ["version"] * rnd.randint(0, 2)
    rnd.shuffle(keys)
    end = rnd.choice(["\n", "\n", "\r\n"])
    text = ""
    for key in keys:
        value = make_version(rnd, VERSION_PIECES) if key == "version" else rnd.choice(VALUES[key])
        value = "" if rnd.random() < 0.03 else value
        text += rnd.choice(["", "", " ", "\t"]) + key + rnd.choice([" ", "\t", "  \t "]) + value
        text += rnd.choice(["", "", " \t"]) + end + rnd.choice(["", "", "", end])
    return (text[:-len(end)] if rnd.random() < 0.2 else text).encode()


def make_entries(rnd):
    names = {make_name(rnd) for _ in range(rnd.randint(1, 9))}
    new_style = rnd.choice([0, 0.5, 1])
    return {name: make_entry(rnd, name, rnd.random() < new_style) for name in sorted(names)}


def run(command, environment=None):
    done = subprocess.run(command, capture_output=True, check=True,
                          env=os.environ | (environment or {}))
    return done.stdout.decode()


def objects(text):
    """The JSON objects that bootctl 252 prints, without commas between them."""
    found = []
    while text.strip():
        one, end = json.JSONDecoder().raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        found.append(one | {"path": os.path.basename(one["path"])})
    return found


def ours(root):
    """Our entries, with bootctl's names of the fields."""
    document = json.loads(run([tap.BUILD + "/rootstock-bls", "list", "--json", "--root", root]))
    return [{NAMES.get(name, name): value for name, value in entry.items()}
            for entry in document["entries"]]


@functools.cache
def bootctl():
    """Its path and environment."""
    try:
        return releases.program("bookworm", "bootctl", "systemd-boot", "libsystemd-shared",
                                "libip4tc2")
    except (OSError, RuntimeError) as reason:
        raise tap.Skip(f"bootctl cannot be fetched: {reason}") from reason


def theirs(root):
    program, environment = bootctl()
    return objects(run([program, f"--esp-path={root}/boot", "list", "--json=short"],
                       environment | {"SYSTEMD_RELAX_ESP_CHECKS": "1"}))


@functools.cache
def compare(a, b):
    """1 if version a is newer, -1 if b is, 0 if they are equal, according to systemd."""
    done = subprocess.run(["systemd-analyze", "compare-versions", "--", a, b], check=False,
                          capture_output=True)
    return {0: 0, 11: 1, 12: -1}[done.returncode]


def stem(item):
    """The file name without boot counter and suffix."""
    name = item["path"][:-len(".conf")]
    return name[:name.rindex("+")] if "triesLeft" in item else name


def excused(a, b):
    """Whether a known difference explains that a comes before b for us, but not for bootctl."""
    def keys(item):
        new_style = "sortKey" in item
        return item.get("triesLeft") == 0, new_style and (item["sortKey"], item.get("machineId"))
    if keys(a) != keys(b):
        return False
    if "sortKey" in a and compare(a.get("version", ""), b.get("version", "")):
        return False
    ids = [stem(item) + item["path"][-len(".conf"):] for item in (a, b)]
    return compare(stem(a), stem(b)) >= 0 and compare(*ids) <= 0


class Judge:
    def __init__(self, root):
        self.root = root
        self.entries = root + "/boot/loader/entries"
        self.pairs = self.excused = self.compared = 0

    def order(self, found, expected):
        names = [item["path"] for item in expected]
        for i, a in enumerate(found):
            for b in found[i + 1:]:
                self.pairs += 1
                if names.index(a["path"]) > names.index(b["path"]):
                    assert excused(a, b), (a, b, [item["path"] for item in found], names)
                    self.excused += 1

    def values(self, found, expected):
        assert found.get("triesLeft") == expected.get("triesLeft"), (found, expected)
        assert found.get("triesDone", 0) == expected.get("triesDone", 0), (found, expected)
        if "error" in found:
            return
        for field in FIELDS:
            assert found.get(field) == expected.get(field), (field, found, expected)
        self.compared += 1

    def __call__(self, rnd):
        entries = make_entries(rnd)
        for name, content in entries.items():
            tap.write(f"{self.entries}/{name}", content)
        found, expected = ours(self.root), theirs(self.root)
        by_name = {item["path"]: item for item in expected}
        names = sorted(item["path"] for item in found)
        assert names == sorted(by_name) == sorted(entries), (names, sorted(by_name), entries)
        for item in found:
            self.values(item, by_name[item["path"]])
        self.order(found, expected)
        for name in entries:
            os.unlink(f"{self.entries}/{name}")


def test_random_sets(where):
    bootctl()
    os.mkdir(where + "/boot")
    # bootctl requires a mount point.
    run(["mount", "-t", "tmpfs", "entries", where + "/boot"])
    try:
        judge = Judge(where)
        tap.repeat(SETS, judge)
    finally:
        run(["umount", where + "/boot"])
    print(f"# {judge.pairs} pairs, {judge.excused} excused, values of {judge.compared} entries")
    if "SEED" not in os.environ:
        assert judge.compared > SETS and 0 < judge.excused < judge.pairs / 10


def test_byte_order_mark(where):
    """A byte order mark costs bootctl the first key of an entry, but not us; check warns."""
    bootctl()
    tap.write(where + "/boot/loader/entries/a.conf", b"\xef\xbb\xbftitle T\r\nversion 1\nlinux /k\n")
    tap.write(where + "/boot/k", b"x")
    run(["mount", "--bind", where + "/boot", where + "/boot"])
    try:
        (found,), (expected,) = ours(where), theirs(where)
    finally:
        run(["umount", where + "/boot"])
    assert found["title"] == "T" and expected.get("title") != "T", (found, expected)
    assert found["version"] == expected["version"] == "1", (found, expected)
    done = subprocess.run([tap.BUILD + "/rootstock-bls", "check", "--root", where], check=False,
                          capture_output=True, text=True)
    assert "a.conf:1: the file begins with a byte order mark" in done.stdout, done


TESTS = [("random sets of entries", test_random_sets),
         ("a byte order mark", test_byte_order_mark)]


def main():
    if sys.argv[1:] == ["inside"]:
        return tap.main(TESTS)
    command = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
    if subprocess.run(command + ["true"], capture_output=True, check=False).returncode:
        return tap.main(tap.skipped(TESTS, "no mount namespace can be made here"))
    os.execvp(command[0], command + [sys.executable, os.path.abspath(__file__), "inside"])


sys.exit(main())
