#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each system call of the generator fails, or is the last one, in turn: the old file or the new one
is there, whole, and the next call tidies up."""
import collections
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

import sysroot
import tap
from hostile import GOOD, entry

OLD = b"old\n"
BESIDE = {"entries", "grub.cfg"}
# What a program does before main can fail only where no program runs at all.
BEFORE_MAIN = {"execve", "arch_prctl", "set_tid_address", "set_thread_area", "exit_group"}


def strace(out, *options):
    done = subprocess.run(["strace", "-qq", "-o", options[0], *options[1:], tap.PROGRAM, "-o", out],
                          capture_output=True, check=False,
                          env=sysroot.clean_environment(_OSTREE_GRUB2_BOOTVERSION="1"))
    return done.returncode, done.stderr.decode()


def prepare(where):
    out = sysroot.make(where, {"ostree-2.conf": entry(b"x=1", more=b"version 2\ninitrd /i\n"),
                               "ostree-1.conf": GOOD})
    sysroot.write(out, OLD)
    return out


def check(name, number, how, where):
    out = prepare(where)
    status, said = strace(out, where + "/trace", "-e", f"inject={name}:{how}:when={number}")
    trace = sysroot.read(where + "/trace").decode("latin-1")
    assert "INJECTED" in trace or "SIGKILL" in trace, "nothing was injected"
    found = sysroot.read(out)
    killed = how.startswith("signal")
    left_out = "this entry is left out of the menu" in said
    assert found in (OLD, WITHOUT_LAST if left_out else NEW), found
    if killed:
        assert status == -9 or "SIGKILL" in trace, (status, said)
    elif status == 0:
        assert found != OLD
        # Not to have written it all is no success, even if only the closing said so.
        new = re.search(r'"\.rootstock\.new", O_WRONLY.*= (\d+)$', trace, re.MULTILINE)
        assert not new or not re.search(rf"close\({new[1]}\) += -1 ", trace.split(new[0])[1]), trace
    else:
        assert status == 1 and said.startswith("ostree-grub-generator: "), (status, said)
        # Only the directory's fsync comes after the point of no return.
        last = [line for line in trace.splitlines() if "INJECTED" in line][0]
        assert found == OLD or last.startswith("fsync("), last
        # Nothing is left behind, unless removing it is what failed.
        assert name == "unlinkat" or set(os.listdir(os.path.dirname(out))) == BESIDE
    status, _, said = sysroot.generate("-o", out)
    assert status == 0 and sysroot.read(out) == NEW, said
    assert set(os.listdir(os.path.dirname(out))) == BESIDE


def undisturbed(where):
    """The run on which everything else stands: it wrote, synced twice and renamed once."""
    assert CALLS["fsync"] == 2, CALLS
    assert CALLS["rename"] + CALLS["renameat"] + CALLS["renameat2"] == 1, CALLS
    assert NEW.endswith(b"\nset rootstock_complete=1\n")


def no_room_at_all(where):
    """A file system that is full, for real."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    out = prepare(where)
    script = """
        set -e
        mkdir "$1/small" && mount -t tmpfs -o size=16k,nr_inodes=20 none "$1/small"
        cp -a "$1/boot" "$1/small/boot"
        head -c 1M /dev/zero >"$1/small/fill" || true
        ! "$2" -o "$1/small/boot/loader.1/grub.cfg"
        cat "$1/small/boot/loader.1/grub.cfg"
        ls -A "$1/small/boot/loader.1"
    """
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", where, tap.PROGRAM],
                          capture_output=True, check=False, env=sysroot.clean_environment())
    assert done.returncode == 0, done
    assert done.stdout == OLD + b"entries\ngrub.cfg\n", done
    assert b"grub.cfg cannot be written: No space left on device" in done.stderr, done


def strace_works():
    return shutil.which("strace") and not subprocess.run(
        ["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode


TESTS = [("what an undisturbed run does", undisturbed)]
if not strace_works():
    TESTS = tap.skipped([*TESTS, ("each system call fails", None)], "strace does not work here")
else:
    with tempfile.TemporaryDirectory() as first:
        made = prepare(first)
        ended, complaint = strace(made, first + "/trace")
        assert ended == 0, (ended, complaint)
        NEW = sysroot.read(made)
        os.unlink(first + "/boot/loader/entries/ostree-1.conf")
        assert sysroot.generate("-o", made)[0] == 0
        WITHOUT_LAST = sysroot.read(made)
        CALLS = collections.Counter(re.findall(r"^(\w+)\(", sysroot.read(first + "/trace").decode(),
                                               re.MULTILINE))
        for call in sorted(set(CALLS) - BEFORE_MAIN):
            error = "ENOMEM" if call in ("brk", "mmap") else "ENOSPC" if "write" in call else "EIO"
            for turn in range(1, CALLS[call] + 1):
                for way in (f"error={error}", "signal=KILL"):
                    TESTS.append((f"{call} number {turn}: {way}",
                                  functools.partial(check, call, turn, way)))
TESTS.append(("no room at all", no_room_at_all))
sys.exit(tap.main(TESTS))
