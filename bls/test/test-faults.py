#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each system call of a generator fails, or is the last one, in turn: the old file or the new one
is there, whole, and the next call tidies up."""
import collections
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

import tap
from generator import GRUB, UBOOT, clean_environment
from hostile import GOOD, entry
from tap import read, write

OLD = b"old\n"
MARK = {GRUB: b"\nset rootstock_complete=1\n", UBOOT: b"\nrootstock_complete=1\n"}
# What a program does before main can fail only where no program runs at all.
BEFORE_MAIN = {"execve", "arch_prctl", "set_tid_address", "set_thread_area", "exit_group"}


class Undisturbed:
    """A run on which everything else stands."""

    def __init__(self, program, name=None):
        with tempfile.TemporaryDirectory() as where:
            out = prepare(program, where, name)
            status, said = strace(program, out, where + "/trace")
            assert status == 0, (status, said)
            self.new = read(out)
            os.unlink(where + "/boot/loader/entries/ostree-1.conf")
            assert program.generate("-o", out)[0] == 0
            self.without_last = read(out)
            # A program that counts its lines, for make coverage, writes the counts at its end.
            trace = re.split(r"^.*\.gcda", read(where + "/trace").decode("latin-1"), maxsplit=1,
                             flags=re.MULTILINE)[0]
            self.calls = collections.Counter(re.findall(r"^(\w+)\(", trace, re.MULTILINE))


def strace(program, out, trace, *options):
    done = subprocess.run(["strace", "-qq", "-o", trace, *options, program.program, "-o", out],
                          capture_output=True, check=False, timeout=60,
                          env=clean_environment(_OSTREE_GRUB2_BOOTVERSION="1"))
    return done.returncode, done.stderr.decode()


def prepare(program, where, name=None):
    out = program.make(where, {"ostree-2.conf": entry(b"x=1", more=b"version 2\ninitrd /i\n"),
                               "ostree-1.conf": GOOD})
    if name:
        return f"{os.path.dirname(out)}/{name}"
    write(out, OLD)
    return out


def check(program, expected, name, number, how, where):
    out = prepare(program, where)
    beside = {"entries", program.out}
    status, said = strace(program, out, where + "/trace", "-e",
                          f"inject={name}:{how}:when={number}")
    trace = read(where + "/trace").decode("latin-1")
    assert "INJECTED" in trace or "SIGKILL" in trace, "nothing was injected"
    found = read(out)
    left_out = "this entry is left out of the menu" in said
    assert found in (OLD, expected.without_last if left_out else expected.new), found
    if how.startswith("signal"):
        assert status == -9 or "SIGKILL" in trace, (status, said)
    elif status == 0:
        assert found != OLD
        # Not to have written it all is no success, even if only the closing said so.
        new = re.search(r'"\.rootstock\.new", O_WRONLY.*= (\d+)$', trace, re.MULTILINE)
        assert not new or not re.search(rf"close\({new[1]}\) += -1 ", trace.split(new[0])[1]), trace
    else:
        assert status == 1 and said.startswith(program.name + ": "), (status, said)
        # Only the directory's fsync comes after the point of no return.
        last = [line for line in trace.splitlines() if "INJECTED" in line][0]
        assert found == OLD or last.startswith("fsync("), last
        # Nothing is left behind, unless removing it is what failed.
        assert name == "unlinkat" or set(os.listdir(os.path.dirname(out))) == beside
    status, _, said = program.generate("-o", out)
    assert status == 0 and read(out) == expected.new, said
    assert set(os.listdir(os.path.dirname(out))) == beside


def check_two_files(expected, name, number, how, where):
    """expected.new is what stands in for the file that libostree names."""
    out = prepare(UBOOT, where, "grub.cfg")
    loader = os.path.dirname(out)
    status, said = strace(UBOOT, out, where + "/trace", "-e", f"inject={name}:{how}:when={number}")
    killed = how.startswith("signal")
    assert status in ((-9,) if killed else (0, 1)), (status, said)
    assert status or {"entries", "uEnv.txt", "grub.cfg"} == set(os.listdir(loader))
    if os.path.exists(out):
        assert read(out) == expected.new and os.path.exists(loader + "/uEnv.txt")
    if os.path.exists(loader + "/uEnv.txt"):
        assert read(loader + "/uEnv.txt").endswith(MARK[UBOOT])
    status, said = strace(UBOOT, out, where + "/trace")
    assert status == 0 and set(os.listdir(loader)) == {"entries", "uEnv.txt", "grub.cfg"}, said


def undisturbed(program, expected, where):
    """It wrote, synced twice and renamed once."""
    calls = expected.calls
    assert calls["fsync"] == 2, calls
    assert calls["rename"] + calls["renameat"] + calls["renameat2"] == 1, calls
    assert expected.new.endswith(MARK[program])


def no_room_at_all(program, where):
    """A file system that is full, for real."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    prepare(program, where)
    script = """
        set -e
        mkdir "$1/small" && mount -t tmpfs -o size=16k,nr_inodes=20 none "$1/small"
        cp -a "$1/boot" "$1/small/boot"
        head -c 1M /dev/zero >"$1/small/fill" || true
        ! "$2" -o "$1/small/boot/loader.1/$3"
        cat "$1/small/boot/loader.1/$3"
        ls -A "$1/small/boot/loader.1"
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", where, program.program,
                           program.out], capture_output=True, check=False, env=clean_environment())
    assert done.returncode == 0, done
    name = program.out.encode()
    assert done.stdout == OLD + b"entries\n" + name + b"\n", done
    assert name + b" cannot be written: No space left on device" in done.stderr, done


def strace_works():
    return shutil.which("strace") and not subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode


def each_call(calls, test):
    """The test with each call failing and with each call being the last one."""
    for call in sorted(set(calls) - BEFORE_MAIN):
        error = "ENOMEM" if call in ("brk", "mmap") else "ENOSPC" if "write" in call else "EIO"
        for turn in range(1, calls[call] + 1):
            for way in (f"error={error}", "signal=KILL"):
                yield f"{call} number {turn}: {way}", functools.partial(test, call, turn, way)


def faults(program):
    expected = Undisturbed(program)
    return [("what an undisturbed run does", functools.partial(undisturbed, program, expected)),
            *each_call(expected.calls, functools.partial(check, program, expected))]


def faults_of_two_files():
    """libostree names a grub.cfg, and U-Boot needs a uEnv.txt beside it."""
    expected = Undisturbed(UBOOT, "grub.cfg")
    assert expected.calls["fsync"] == 4, expected.calls
    # strace does not close what it lets fail, as Linux would, and so the directory stays locked.
    del expected.calls["close"]
    return [("two files: " + name, test) for name, test in
            each_call(expected.calls, functools.partial(check_two_files, expected))]


TESTS = []
for each in (GRUB, UBOOT):
    if strace_works():
        tried = faults(each) + (faults_of_two_files() if each is UBOOT else [])
    else:
        tried = tap.skipped([("each system call fails", None)], "strace does not work here")
    tried.append(("no room at all", functools.partial(no_room_at_all, each)))
    TESTS += [(f"{each.name}: {name}", test) for name, test in tried]
sys.exit(tap.main(TESTS))
