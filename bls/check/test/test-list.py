#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The output of rootstock-bls list as JSON and as text, and the command line."""
import gzip
import json
import os
import re
import subprocess
import sys

from testlib import tap
from testlib.bootable import (BLS, DEPLOYMENT, ENTRY, GOOD, LINK, OTHER, make_menu, run, setting, text,
                      tree)
from testlib.bootfiles import INITRAMFS
from testlib.generator import GRUB, UBOOT, clean_environment


def loaders(where):
    """The list shows the loaders that have a menu, or all if there is none, or the one of
    --loader."""
    root = tree(where)
    for out, arguments, expected in [
            (None, [], ["grub", "uboot"]), (None, ["--loader=grub"], ["grub"]),
            ("grub.cfg", [], ["grub"]), ("grub.cfg", ["--loader", "uboot"], ["uboot"]),
            ("uEnv.txt", [], ["grub", "uboot"])]:
        if out:
            tap.write(f"{root}/boot/loader/{out}", b"x\n")
        entry = run("list", root, *arguments)["entries"][0]
        assert [name for name in ("grub", "uboot") if name in entry] == expected, (out, entry)
    os.unlink(f"{root}/boot/loader/grub.cfg")
    # A fault that check reports does not make list fail.
    setting(b"nonsense\n", "uboot.conf")(root)
    assert "grub" not in run("list", root)["entries"][0]


LISTED = {
    "ostree-2.conf": text(GOOD),
    "ostree-1.conf": text(["title Demo", "version 1", r"options panic=1 a=\b ostree=" + LINK,
                           *GOOD[3:]]),
    "a+3-1.conf": text(["title Demo", "linux /k/vmlinuz", "architecture AA64", "version 9",
                        "initrd /a", "options  a  b ", "initrd b", "x-y z", "options c"]),
    "s.conf": text(["sort-key s", "title Demo", "version 9", "linux /k/vmlinuz", "uki /u.efi"]),
    "bad+0.conf": text(["sort-key a", "linux k/vmlinuz", "machine-id 12"]),
    "broken.conf": b"title x\n",
}


def listed(where):
    """Order, reasons and the data of each loader match the menus that the generators make."""
    root = tree(where, LISTED)
    document = run("list", root)
    assert document["root"] == root + "/" and document["prefix"] == "/boot", document
    assert document["directory"] == root + "/boot/loader/entries" and "findings" not in document
    entries = document["entries"]
    assert [(one["file"], one.get("reason")) for one in entries] == [
        ("s.conf", None),
        ("ostree-2.conf", "it has no sort-key"),
        ("ostree-1.conf", "libostree wrote both, and its version is older"),
        ("broken.conf", "its file name is older"),
        ("a+3-1.conf", "its file name is older"),
        ("bad+0.conf", "its boot count says that it does not start")], entries
    by_name = {one["file"]: one for one in entries}
    assert by_name["s.conf"]["hidden"] == "uki" and "grub" not in by_name["s.conf"]
    assert by_name["broken.conf"]["error"] == {"what": "there is no linux line"}
    assert by_name["ostree-1.conf"]["grub"]["left-out"] == {
        "line": 3, "what": "GRUB cannot pass on a backslash"}
    one = by_name["a+3-1.conf"]
    assert (one["tries-left"], one["tries-done"]) == (3, 1), one
    assert one["initrd"] == ["/a", "/b"] and one["options"] == "a  b c", one
    assert one["architecture"] == "AA64" and one["title"] == "Demo", one
    assert one["grub"] == {"number": 1, "id": "a", "title": "Demo (9)"}, one
    assert one["uboot"] == {"kernel": "kernel_image3"}, one
    one = by_name["bad+0.conf"]
    assert one["grub"] == {"number": 2, "id": "bad", "title": "bad"}, one
    assert one["machine-id"] == "12" and one["sort-key"] == "a", one

    def made(generator, pattern):
        out = f"{root}/boot/loader/{generator.out}"
        assert generator.generate("-o", out)[0] == 0
        return re.findall(pattern, tap.read(out).decode(), re.MULTILINE)
    grub = [one["grub"] for one in entries if "number" in one.get("grub", {})]
    assert made(GRUB, r"^\$1 --id '(.*)' --unrestricted -- '(.*)' {$") == [
        (one["id"], one["title"]) for one in grub], grub
    assert [one["number"] for one in grub] == [0, 1, 2], grub
    assert made(UBOOT, r"^(kernel_image\d*)=.") == [
        one["uboot"]["kernel"] for one in entries if "kernel" in one.get("uboot", {})], entries


def words(where):
    """The output as text has the same information."""
    root = tree(where, LISTED)
    status, out, said = BLS.generate("list", "--root", root)
    assert (status, said) == (0, []), (status, said)
    numbers = re.findall(r"^(\d+)\. ", out.decode(), re.MULTILINE)
    assert numbers == [str(n + 1) for n in range(len(LISTED))], numbers
    parts = re.split(r"^\d+\. ", out.decode(), flags=re.MULTILINE)[1:]
    rows = dict(part.split("\n", 1) for part in parts)
    for name, *patterns in [
            ("ostree-2.conf", r"linux +/k/vmlinuz$", r"order +after s.conf: it has no sort-key$",
             r"GRUB +0, id ostree-os-0123abcd-0, \"Demo \(2\)\"$", r"U-Boot +kernel_image$"),
            ("ostree-1.conf", r"GRUB +left out: ostree-1.conf:3: GRUB cannot pass on a backslash$",
             r"U-Boot +kernel_image2$"),
            ("a+3-1.conf", r"initrd +/a\n +initrd +/b$", r"options +a  b c$",
             r"tries +3 left, 1 failed$", r"GRUB +1, id a, \"Demo \(9\)\"; started on AA64 only$"),
            ("s.conf", r"order +first$", r"hidden +an entry with uki is for EFI"),
            ("broken.conf", r"U-Boot +left out: broken.conf: there is no linux line$")]:
        for pattern in patterns:
            assert re.search(f"^ +{pattern}", rows[name], re.MULTILINE), (pattern, rows[name])
    assert "GRUB" not in rows["s.conf"]
    status, out, said = BLS.generate("check", "--root", root)
    assert (status, said) == (1, []), (status, said)
    entries = f"{root}/boot/loader/entries"
    assert f"\nerror: {entries}/broken.conf: there is no linux line\n    to do: correct or " in out.decode(), out
    assert f"\nwarning: {entries}/ostree-1.conf:3: a board" in out.decode(), out


WAY = r""" 1\. GRUB reads /.*/root/boot/loader/grub\.cfg, in which this entry is 0\.
 2\. The boot loader loads these files, below /.*/root/boot:
    linux /k/vmlinuz
    initrd /k/initramfs
    The kernel is a bzImage\.
 3\. The kernel gets \d+ bytes: root=LABEL=x panic=10 ostree=/ostree/.*
 4\. The kernel unpacks the initramfs, made by initramfs-tools\.
 5\. The initramfs mounts the root file system, root=LABEL=x, read-only\.
 6\. ostree-prepare-root makes the deployment /ostree/deploy/os/deploy/beef\.0 the root:
(    .*\n)+    execute /sbin/init: the tree's init takes over
 7\. /sbin/init of the deployment runs\.
"""


def explained(where):
    """An entry's way in words, with what does not boot at its end; no control character is shown."""
    root = tree(where, {"ostree-2.conf": text(GOOD), "a.conf": b"title x\n", "b.conf": b"uki /y\n"})
    make_menu(GRUB)(root)
    status, out, said = BLS.generate("explain", "--root", root)
    shown = out.decode()
    assert (status, said) == (0, []) and re.fullmatch(f"ostree-2.conf\n{WAY}It boots\n", shown), shown
    entry = json.loads(BLS.generate("explain", "--json", "--root", root)[1])["entries"][0]
    assert entry["boots"] and "".join(line + "\n" for line in entry["way"]) in shown, entry
    for file, end in [("a.conf", "does not boot: there is no linux line"),
                      ("b.conf", "does not boot: uki: /y is not there")]:
        status, out, said = BLS.generate("explain", "--root", root, "--entry", file)
        assert (status, said) == (0, []) and out.endswith(f"\nIt {end}\n".encode()), out
    tap.write(f"{root}/boot/y", b"x")
    out = BLS.generate("explain", "--root", root, "--entry", "b.conf")[1]
    assert out.endswith(b"It has uki, so it is for EFI, and is not followed\n"), out
    BLS.fails(["explain", "--root", root, "--entry", "z.conf"], "has no entry z.conf", status=1)
    tap.write(f"{root}/{ENTRY}", text(GOOD[:2] + [GOOD[2] + " \x1b[2J"] + GOOD[3:]))
    assert b"\x1b" not in BLS.generate("explain", "--root", root)[1]


def one_initramfs(where):
    """An initramfs of many entries is unpacked once."""
    root = tree(where, {f"ostree-{number}.conf": text(GOOD) for number in range(50)})
    tap.write(root + "/boot/k/initramfs", gzip.compress(INITRAMFS))
    tap.write(where + "/bin/gzip", f"#!/bin/sh\necho x >>{where}/calls\nexec /bin/gzip -dc\n".encode())
    os.chmod(where + "/bin/gzip", 0o755)
    status, out, said = BLS.generate("check", "--json", "--root", root,
                                     PATH=f"{where}/bin:{os.environ['PATH']}")
    assert (status, said) == (0, []), (status, out, said)
    assert all(one["boots"] for one in json.loads(out)["entries"]), out
    assert tap.read(where + "/calls") == b"x\n"


def any_bytes(where):
    """A title of any bytes gives valid JSON, and its control characters are not printed."""
    root = tree(where)

    def once(rnd):
        pieces = [bytes([rnd.randint(1, 255)]), "ä€😀".encode(), b"\xed\xa0\x80", b"\xc0\x80",
                  b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x1b[31m", b"\xc2\x9b", b'"\\']
        title = b"x" + b"".join(rnd.choices(pieces, k=rnd.randint(0, 9))) + b"x"
        title = title.replace(b"\n", b"")
        tap.write(f"{root}/{ENTRY}", b"title " + title + b"\nlinux /k\n")
        expected = "".join("\ufffd" if "\udc80" <= c <= "\udcff" else c
                           for c in title.decode("utf-8", "surrogateescape"))
        assert run("list", root)["entries"][0]["title"] == expected, title
        shown = BLS.generate("list", "--root", root)[1].decode()
        expected = re.sub("[\0-\x1f\x7f-\x9f\ufffd]", "?", expected)
        assert re.search(" title +(.*)", shown)[1] == expected, (title, shown)

    tap.repeat(300, once)


def unreadable(where):
    """An entry that cannot be opened is listed with its name."""
    root = tree(where)
    os.symlink("nowhere", root + "/boot/loader/entries/ostree-9.conf")
    os.mkdir(root + "/boot/loader/entries/ostree-8.conf")
    for loader in ("grub", "uboot"):
        first, second = run("list", root, "--loader", loader)["entries"][:2]
        assert first["file"] == "ostree-9.conf", first
        assert second["file"] == "ostree-8.conf", second


def usage(where):
    root = tree(where)
    for arguments, says in [
            ([], "list, check or explain is missing"), (["show"], "is list, check or explain, not show;"),
            (["chekc"], r"is list, check or explain, not chekc \(did you mean check\?\); try --help"),
            (["list", "--loaders", "grub"], r"not understood: --loaders \(did you mean --loader\?\)"),
            (["list", "x"], "not understood: x"),
            (["list", "--entry", "x.conf"], "--entry is for explain"),
            (["list", "--root"], "option needs a value: --root"),
            (["list", "--root="], "--root needs the name"), (["list", "--loader=x"], "not x;"),
            (["list", "--boot-prefix", "boot"], "--boot-prefix is auto, none")]:
        BLS.fails(arguments, says, status=2)
    for arguments, says in [
            (["--root", root + "/none"], "the sysroot .*/none/ cannot be opened"),
            (["--root", root + "/ostree"], "entries .*/ostree/boot/loader/entries cannot be"),
            (["--root", root, "--entries", root + "/none"], "entries .*/none cannot be opened"),
            (["--root", f"{root}/{DEPLOYMENT}", "--entries", root, "--boot-prefix=none"],
             "the sysroot .* has no directory boot")]:
        BLS.fails(["check", *arguments], says)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BLS.program, "list", "--root", root], stdout=full,
                              stderr=subprocess.PIPE, check=False, env=clean_environment())
    assert done.returncode == 1 and b"standard output cannot be written" in done.stderr, done
    for number in range(513):
        tap.write(f"{root}/boot/loader/entries/{number}.conf", b"linux /k\n")
    BLS.fails(["list", "--root", root], "more than 512 entries")
    assert BLS.generate("--help")[1].startswith(b"usage: rootstock-bls list|check|explain ")
    assert re.fullmatch(rb"rootstock-bls \S+\n", BLS.generate("--version")[1])


def elsewhere(where):
    """With --entries the menu in boot/loader is not compared with the entries."""
    root = tree(where)
    tap.write(where + "/e/x.conf", OTHER)
    make_menu(GRUB)(root)
    document = run("check", root, "--entries", where + "/e")
    assert [one["file"] for one in document["entries"]] == ["x.conf"], document
    assert document["findings"] == [], document
    document = run("check", root + "//")
    assert document["directory"] == root + "//boot/loader/entries", document
    assert document["root"] == root + "//", document


def nothing_is_written(where):
    root = tree(where, LISTED)

    def state():
        return subprocess.run(["find", root, "-printf", "%p %i %s %T@ %C@\n"], check=True,
                              capture_output=True).stdout
    before = state()
    run("check", root)
    assert state() == before


TESTS = [(test.__name__.replace("_", " "), test) for test in (
    loaders, listed, words, explained, one_initramfs, any_bytes, unreadable, usage, elsewhere, nothing_is_written)]
sys.exit(tap.main(TESTS))
