#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each system call of a generator in turn fails, or is the last one before a kill: afterwards the
file is the complete old or new one, and the next run removes leftovers."""
import collections
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile

from testlib import tap
from testlib.slowness import limit
from testlib.generator import GRUB, UBOOT, clean_environment
from testlib.hostile import GOOD, entry
from testlib.tap import read, write

OLD, LEFT = b"old\n", ".rootstock.new"
MARK = {GRUB: b"\nset rootstock_complete=1\n", UBOOT: b"\nrootstock_complete=1\n"}
# If the calls before main fail, no program runs at all.
BEFORE_MAIN = {"execve", "arch_prctl", "set_tid_address", "set_thread_area", "exit_group"}
WRITES = {"openat", "fstat", "newfstatat", "fstatfs", "flock", "read", "write", "close", "fsync",
          "syncfs", "ioctl", "renameat", "renameat2", "unlinkat", "fchmod"}


class Ground:
    """A file system that strace simulates: its type, and the results of calls that not all file
    systems support. flush: the calls between changes that write to the disk; staged: the directory
    is not live, so nobody reads the file yet."""

    def __init__(self, magic=0xef53, flush=(), swap=("renameat2",),
                 then=("unlinkat", f"close {LEFT}"), staged=False, **replies):
        self.staged, self.flush, self.then = staged, list(flush), list(then)
        self.swap = [*flush, *swap]
        self.options = ["-e", f"inject=fstatfs:poke_exit=@arg2={magic.to_bytes(4, 'little').hex()}"]
        for call, reply in replies.items():
            self.options += ["-e", f"inject={call}:{reply}"]


SYNC = ["syncfs DIR", "syncfs DIR", "fsync DIR"]
HELD = ["close OUT"]
GROUNDS = {
    "ext4": Ground(flush=["ioctl DIR"], ioctl="retval=0"),
    "ext4 before Linux 5.14": Ground(flush=["ioctl DIR", *SYNC], ioctl="error=ENOTTY"),
    "ext4 without exchange": Ground(flush=["ioctl DIR"], swap=["renameat2", "renameat"],
                                    then=HELD, ioctl="retval=0", renameat2="error=EINVAL"),
    "vfat": Ground(0x4d44, swap=["renameat"], then=["fsync DIR", "fsync OUT", *HELD],
                   fchmod="error=EPERM"),
    "btrfs": Ground(0x9123683e, flush=SYNC),
    "a kernel without anything": Ground(0, flush=SYNC, swap=["renameat2", "renameat"], then=HELD,
                                        syncfs="error=ENOSYS", renameat2="error=ENOSYS"),
    "9p": Ground(0x1021997, flush=SYNC, swap=["renameat2", "renameat"], then=HELD,
                 fsync="error=EINVAL", syncfs="error=EINVAL", renameat2="error=EINVAL",
                 fchmod="error=EOPNOTSUPP", flock="error=EINVAL"),
    "a directory that is not live": Ground(swap=["renameat"], staged=True,
                                           then=["fsync DIR", "fsync OUT", *HELD]),
}


class Undisturbed:
    """A run without faults, with which the others are compared."""

    def __init__(self, program, ground, name=None):
        with tempfile.TemporaryDirectory() as where:
            out = prepare(program, where, ground, name)
            status, said = strace(program, out, where + "/trace", *ground.options)
            assert status == 0, (status, said)
            self.new = read(out)
            os.unlink(where + "/boot/loader.1/entries/ostree-1.conf")
            assert program.generate("-o", out)[0] == 0
            self.without_last = read(out)
            # Without the calls at the end of a coverage build, which writes its counters there.
            self.trace = re.split(r"^.*\.gcda", read(where + "/trace").decode("latin-1"),
                                  maxsplit=1, flags=re.MULTILINE)[0]
            self.calls = collections.Counter(re.findall(r"^(\w+)\(", self.trace, re.MULTILINE))


def strace(program, out, trace, *options):
    done = subprocess.run(["strace", "-y", "-qq", "-o", trace, *options, program.program, "-o",
                           out], capture_output=True, check=False, timeout=limit(60),
                          env=clean_environment(_OSTREE_GRUB2_BOOTVERSION="1"))
    return done.returncode, done.stderr.decode()


def prepare(program, where, ground, name=None):
    out = program.make(where, {"ostree-2.conf": entry(b"x=1", more=b"version 2\ninitrd /i\n"),
                               "ostree-1.conf": GOOD})
    if ground.staged:
        os.mkdir(where + "/boot/loader.0")
        os.unlink(where + "/boot/loader")
        os.symlink("loader.0", where + "/boot/loader")
    if name:
        return f"{os.path.dirname(out)}/{name}"
    write(out, OLD)
    return out


def changes(program, trace):
    """The calls that decide the content of the disk, in their order."""
    found = re.findall(r"^(fsync|syncfs|ioctl|renameat2?|unlinkat|close)\(\d+<[^>]*/([^>]*)>"
                       r"(\(deleted\))?", trace, re.MULTILINE)
    names = {"loader.1": "DIR", program.out: "OUT"}
    return [call if call.startswith(("rename", "unlink")) else f"{call} {names.get(name, name)}"
            for call, name, deleted in found if call != "close" or deleted]


def order(program, ground, expected, where):
    """Each change of a live file is written to the disk before the next one."""
    assert expected.new.endswith(MARK[program])
    write = ["fsync " + LEFT, *ground.swap, *ground.flush, *ground.then]
    assert changes(program, expected.trace) == write, changes(program, expected.trace)
    out = prepare(program, where, ground)
    # A leftover may be the file that on the disk still has the name of the output.
    tap.write(f"{os.path.dirname(out)}/{LEFT}", OLD)
    trace = where + "/trace"
    assert strace(program, out, trace, *ground.options)[0] == 0
    found = changes(program, read(trace).decode("latin-1"))
    assert found == [*ground.flush, "unlinkat", *write], found
    # If the content is the same, the file is not written again but synced, in case it is only in
    # memory.
    status = os.stat(out)
    assert strace(program, out, trace, *ground.options)[0] == 0
    found = changes(program, read(trace).decode("latin-1"))
    assert found == ["fsync OUT", *(ground.flush or ["fsync DIR", "fsync OUT"])], found
    assert os.stat(out).st_ino == status.st_ino and read(out) == expected.new


def check(program, ground, expected, name, number, how, where):
    out = prepare(program, where, ground)
    beside = {"entries", program.out}
    status, said = strace(program, out, where + "/trace", *ground.options, "-e",
                          f"inject={name}:{how}:when={number}")
    trace = read(where + "/trace").decode("latin-1")
    line = [line for line in trace.splitlines() if line.startswith(name + "(")][number - 1]
    assert "INJECTED" in line or "SIGKILL" in trace, "nothing was injected"
    found = read(out)
    left_out = "this entry is left out of the menu" in said
    assert found in (OLD, expected.without_last if left_out else expected.new), found
    left = set(os.listdir(os.path.dirname(out))) - beside
    if how.startswith("signal"):
        assert status == -9 or "SIGKILL" in trace, (status, said)
    elif status == 0:
        assert found != OLD
        # If the close of the new file failed, the run must not succeed.
        assert not re.search(rf"close\(\d+<[^>]*/{LEFT}>\) += -1 ", trace), trace
        assert name == "unlinkat" or not left
    else:
        assert status == 1 and said.startswith(program.name + ": "), (status, said)
        # After a failure the file may be the new one only if the last flush failed; the disk may
        # then still have the old one.
        assert found == OLD or re.search(r"^renameat2?\(.* = 0$", trace.split(line)[0],
                                         re.MULTILINE), line
        assert name == "unlinkat" or not left or found != OLD
    status, _, said = program.generate("-o", out)
    assert status == 0 and read(out) == expected.new, said
    assert set(os.listdir(os.path.dirname(out))) == beside


def check_two_files(ground, expected, name, number, how, where):
    """With U-Boot's two files each is complete or missing, and uEnv.txt exists if grub.cfg does;
    expected.new is the placeholder grub.cfg."""
    out = prepare(UBOOT, where, ground, "grub.cfg")
    loader = os.path.dirname(out)
    status, said = strace(UBOOT, out, where + "/trace", *ground.options, "-e",
                          f"inject={name}:{how}:when={number}")
    killed = how.startswith("signal")
    assert status in ((-9,) if killed else (0, 1)), (status, said)
    assert status or {"entries", "uEnv.txt", "grub.cfg"} == set(os.listdir(loader))
    if os.path.exists(out):
        assert read(out) == expected.new and os.path.exists(loader + "/uEnv.txt")
    if os.path.exists(loader + "/uEnv.txt"):
        assert read(loader + "/uEnv.txt").endswith(MARK[UBOOT])
    status, said = strace(UBOOT, out, where + "/trace")
    assert status == 0 and set(os.listdir(loader)) == {"entries", "uEnv.txt", "grub.cfg"}, said


def no_room_at_all(program, where):
    """On a full tmpfs the program reports an error, and the old file stays."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    prepare(program, where, GROUNDS["ext4"])
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
    """A test for each call failing, and for a kill at each call."""
    for call in sorted(set(calls) - BEFORE_MAIN):
        errors = {"brk": ["ENOMEM"], "mmap": ["ENOMEM"], "write": ["ENOSPC", "EIO"]}
        for turn in range(1, calls[call] + 1):
            for way in [f"error={error}" for error in errors.get(call, ["EIO"])] + ["signal=KILL"]:
                yield f"{call} number {turn}: {way}", functools.partial(test, call, turn, way)


def faults(program, kind, only=None):
    ground = GROUNDS[kind]
    expected = Undisturbed(program, ground)
    calls = {call: count for call, count in expected.calls.items() if not only or call in only}
    return [(f"{kind}: {name}", test) for name, test in [
        ("the order", functools.partial(order, program, ground, expected)),
        *each_call(calls, functools.partial(check, program, ground, expected))]]


def faults_of_two_files():
    """The tests of U-Boot's generator in libostree's hook, which names grub.cfg: the generator also
    writes uEnv.txt next to it."""
    ground = GROUNDS["a directory that is not live"]
    expected = Undisturbed(UBOOT, ground, "grub.cfg")
    assert expected.calls["write"] == 2, expected.calls
    # A close that strace makes fail does not close the file, so the directory would stay locked.
    del expected.calls["close"]
    return [("two files: " + name, test) for name, test in
            each_call(expected.calls, functools.partial(check_two_files, ground, expected))]


TESTS = []
for each in (GRUB, UBOOT):
    if not strace_works():
        tried = tap.skipped([("each system call fails", None)], "strace does not work here")
    elif each is GRUB:
        tried = faults(each, "ext4")
        for where_else in list(GROUNDS)[1:]:
            tried += faults(each, where_else, WRITES)
    else:
        tried = faults(each, "vfat") + faults_of_two_files()
    tried.append(("a full file system", functools.partial(no_room_at_all, each)))
    TESTS += [(f"{each.name}: {name}", test) for name, test in tried]
sys.exit(tap.main(TESTS))
