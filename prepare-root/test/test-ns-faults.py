#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real boots in which strace makes one system call fail: first every call in a trace that changes
something, then every call in three sources that can fail. A call in these without a row in SITES
fails the test."""

import os
import re
import sys
import tempfile

from testlib import nsboot
from testlib import nsfaults
from testlib import nstap
from testlib import nstree
from testlib.nsfaults import Elsewhere, Fails, Untried
from testlib.nssys import MS_RDONLY

SOURCES = [f"prepare-root/{name}.c" for name in ("pid1", "realinit", "step")]
CHANGING = "execve,mount,umount2,pivot_root,mkdir,rmdir,chmod,chdir"


def path_of(name, args):
    """The path on which a call acts."""
    paths = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
    return paths[min(1, len(paths) - 1)] if name == "mount" else paths[0]


# --- every call that changes something ---

# Failures that are reported but do not stop the boot.
TOLERATED = {("rmdir", "/sysroot.tmp")}


def each_call_fails(kind, flags, *changes):
    """If any one call fails, the exit status is 1 and the message names its path; the utility
    restores the mounts and the initramfs."""
    with tempfile.TemporaryDirectory() as where:
        log = where + "/log"
        good, _, _, done, _ = nsfaults.traced(
            kind, PARTS, changes, log, "-e", "trace=" + CHANGING, root_flags=flags)
        if good not in (0, "init runs"):
            return ["fails without a fault"]
        problems = []
        listed = [call for call in nsfaults.calls(log) if call[0] != "execve"]
        for name, number, args in listed:
            path = path_of(name, args)
            status, said, before, after, names = nsfaults.traced(
                kind, PARTS, changes, log, "-e", "trace=" + CHANGING,
                "-e", f"inject={name}:error=EIO:when={number}", root_flags=flags)
            wrong = nsboot.sentence_problems(said, re.escape(path))
            if (name, path) in TOLERATED:
                wrong += nsboot.differs("exit", status, good)
                wrong += nsboot.differs("mounts", nsboot.changed(done, after), [])
            else:
                wrong += nsboot.differs("exit", status, 1)
            if kind == "utility" and status:
                wrong += nsboot.differs("mounts", nsboot.changed(before, after), [])
                wrong += nsboot.differs("initramfs", names, set())
            problems += [f"{name} {number} {path}: {problem}" for problem in wrong]
        return problems + nsboot.differs("enough calls", len(listed) >= 15, True)


# --- every call in three sources ---


def lost(action=""):
    """World keywords: a boot without ostree=, which fails, with this value of rootstock.onfail=."""
    return {"cmdline": "quiet" + (f" rootstock.onfail={action}" if action else "")}


def prepared(top):
    """Make the root look like a deployment that is prepared already."""
    os.makedirs(f"{top}/sysroot")
    os.rename(f"{top}/ostree", f"{top}/sysroot/ostree")
    os.symlink("sysroot/ostree", f"{top}/ostree")
    os.mkdir(f"{top}/sbin")
    os.link(f"{top}/sysroot/{nstree.DEPLOYMENT}/usr/sbin/init", f"{top}/sbin/init")


BOOTED = r'ostree-booted"'
INITRAMFS = "initramfs/test/test-ns-faults.py"
OPEN, STAT = "open,openat", "newfstatat,fstatat64,statx"
NO_OSTREE = "no ostree= on the kernel command line"

SITES = {
    ("step.c", "pivot", "chdir", 1): Fails(
        "pid1", "chdir", r'^"/ostree/deploy', 1, "cannot pivot to"),
    ("step.c", "pivot", "syscall", 1): Fails("pid1", "pivot_root", "", 1, "cannot pivot to"),
    ("step.c", "pivot", "chdir", 2): Fails("pid1", "chdir", r'^"/"$', 1, "cannot pivot to"),
    ("step.c", "switch_root", "chdir", 1): Elsewhere(
        INITRAMFS, '("step.c", "switch_root", "chdir", 1): ends('),
    ("step.c", "switch_root", "mount", 1): Elsewhere(
        INITRAMFS, '("step.c", "switch_root", "mount", 1): ends('),
    ("step.c", "switch_root", "chroot", 1): Elsewhere(
        INITRAMFS, '("step.c", "switch_root", "chroot", 1): ends('),
    ("step.c", "switch_root", "chdir", 2): Elsewhere(
        INITRAMFS, '("step.c", "switch_root", "chdir", 2): ends('),
    ("step.c", "write_file", "open", 1): Fails(
        "utility", OPEN, BOOTED, 1, "cannot write /run/ostree-booted"),
    ("step.c", "write_file", "write", 1): Fails(
        "utility", "write", "ostree-booted>", 1, "cannot write /run/ostree-booted"),
    ("step.c", "write_file", "close", 1): Fails("utility", "close", "ostree-booted>", 0, None),
    ("step.c", "execute", "execv", 1): Fails(
        "pid1", "execve", '^"/sbin/init"', 1, "cannot execute /sbin/init"),
    ("step.c", "run_one", "umount2", 1): Fails(
        "pid1", "umount2", '^"/proc"', 1, NO_OSTREE, {"mounts": ("dev",)}),
    ("step.c", "run_one", "chdir", 1): Fails(
        "pid1", "chdir", r'^"/ostree/deploy', 1, "cannot enter /ostree/deploy", {},
        (nstree.hotfix,)),
    ("step.c", "run_one", "mkdir", 1): Fails(
        "utility", "mkdir,mkdirat", '"/run/ostree"', 1, "cannot make directory /run/ostree"),
    ("step.c", "run_one", "rmdir", 1): Fails(
        "utility", "rmdir,unlinkat", "sysroot.tmp", 0, "cannot remove directory /sysroot.tmp",
        odd=("sysroot.tmp",)),
    ("step.c", "run_one", "mount", 1): Fails(
        "utility", "mount", r'/sysroot.tmp/usr", "/sysroot.tmp/usr"', 1,
        "cannot bind /sysroot.tmp/usr"),
    ("step.c", "print", "write", 1): Elsewhere(
        "prepare-root/test/test-cli.sh", "an output that cannot be written is an error"),
    ("step.c", "step_run", "run_one", 1): Fails(
        "utility", "mkdir,mkdirat", '"/run/ostree"', 1, "cannot make directory /run/ostree"),
    # The call fails while process 1 unmounts its temporary /proc.
    ("step.c", "step_try", "run_one", 1): Fails(
        "pid1", "umount2", '^"/proc"', 1, NO_OSTREE, {"mounts": ("dev",)}),
    # Without /proc there is no command line.
    ("pid1.c", "open_proc", "open", 1): Fails("pid1", OPEN, '"/proc"', 1, NO_OSTREE),
    # Here /proc is not mounted, so process 1 mounts it temporarily.
    ("pid1.c", "open_proc", "mount_temporarily", 1): Fails(
        "pid1", "mount", '"/proc"', 1, NO_OSTREE, {"mounts": ("dev",)}),
    ("pid1.c", "open_proc", "unmount", 1): Fails(
        "pid1", "umount2", '^"/proc"', 1, NO_OSTREE, {"mounts": ("dev",)}),
    ("pid1.c", "start", "open_proc", 1): Fails("pid1", OPEN, '"/proc"', 1, NO_OSTREE),
    ("pid1.c", "start", "boot", 1): Fails("pid1", "close", "</proc>", "init runs", None),
    ("pid1.c", "pid1_boot", "open_proc", 1): Elsewhere(
        INITRAMFS, '("pid1.c", "pid1_boot", "open_proc", 1): enters('),
    ("pid1.c", "pid1_boot", "boot", 1): Elsewhere(
        INITRAMFS, '("pid1.c", "pid1_boot", "boot", 1): enters('),
    ("realinit.c", "realinit_find", "fstatat", 1): Fails(
        "pid1", STAT, 'usr/sbin/init"', 1, " has no init: looked for"),
    ("realinit.c", "realinit_execute", "step_run", 1): Fails(
        "pid1", "execve", '"/sbin/init"', 1, "cannot execute /sbin/init", {}, (prepared,)),
    ("pid1.c", "is_first_process", "open_proc", 1): Fails(
        "pid1", OPEN, '"/proc"', 1, NO_OSTREE, lost(), (), -1),
    ("pid1.c", "is_first_process", "fstatat", 1): Fails(
        "pid1", STAT, '</proc>, "self"', 1, NO_OSTREE, lost()),
    ("pid1.c", "is_first_process", "fstatat", 2): Fails(
        "pid1", STAT, '"self/ns/pid"', 1, NO_OSTREE, lost()),
    ("pid1.c", "is_first_process", "close", 1): Fails(
        "pid1", "close", "</proc>", 1, NO_OSTREE, lost(), (), -1),
    ("pid1.c", "pid1_give_up", "mount_temporarily", 1): Fails(
        "pid1", "mount", '"/dev"', 1, NO_OSTREE, {**lost(), "mounts": ("proc",)}),
    ("pid1.c", "pid1_give_up", "unmount", 1): Elsewhere(
        "prepare-root/test/test-ns-faults.py", '("unmount", "in pid1_give_up"): Fails('),
    ("pid1.c", "pid1_give_up", "step_try", 1): Untried(
        "only process 1 of the machine calls it, and the result does not depend on it"),
    ("pid1.c", "pid1_give_up", "sync", 1): Fails("pid1", "sync", "", 1, NO_OSTREE, lost()),
    ("pid1.c", "pid1_give_up", "reboot", 1): Fails(
        "pid1", "reboot", "", 1, "halting, as", lost("halt")),
    ("pid1.c", "pid1_give_up", "sleep", 1): Fails(
        "pid1", "nanosleep,clock_nanosleep", "", -1, "rebooting in 1 seconds", lost("reboot:1")),
    ("pid1.c", "pid1_give_up", "reboot", 2): Fails(
        "pid1", "reboot", "", 1, "rebooting, as", lost("reboot")),
}
# An ordinary user cannot mount a devtmpfs, so there is none to unmount.
AS_ROOT = {("unmount", "in pid1_give_up"): Fails(
    "pid1", "umount2", '^"/dev"', 1, NO_OSTREE, {**lost(), "mounts": ("proc",)})}


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    CASES = nsfaults.cases(SITES, PARTS, *SOURCES)
    CASES += [(f"{kind} each call fails, root {what}",
               lambda k=kind, f=flags: each_call_fails(k, f, nstree.readonly))
              for kind in nsboot.KINDS for what, flags in (("rw", 0), ("ro", MS_RDONLY))]
    # Where /var is not ours the plan has a mount of its own on the physical root.
    CASES += [("utility each call fails, fstab /var", lambda: each_call_fails(
        "utility", 0, nstree.readonly, nstree.fstab_var))]
    sys.exit(nstap.main(CASES, nsfaults.rows(AS_ROOT, PARTS)))
