#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real boots of an initramfs in a namespace in which strace makes one system call of rootstock-init
fail, for every call in four sources that can fail. A call without a row in SITES fails the test."""

import os
import sys
import tempfile

from testlib import nsboot
from testlib import nsfaults
from testlib import nstap
from testlib import nstree
from testlib.nsfaults import Elsewhere, Fails, Untried
from testlib.nssys import MS_SHARED, mount, write_file

SOURCES = ["initramfs/%s.c" % name for name in ("main", "mountroot", "switchroot", "uevent")]
PROGRAM, PROBE = nstap.program("rootstock-init"), nstap.probe()
RUNS = "init runs"  # or the shell, which the probe plays as well


# --- changes to the initramfs and the root file system ---


def plain(top):
    """A root with an init of its own, for a boot without ostree=."""
    os.mkdir(f"{top}/sbin")
    os.link(f"{top}/{nstree.DEPLOYMENT}/usr/sbin/init", f"{top}/sbin/init")


def no_run(top):
    """A root without /run."""
    os.rmdir(f"{top}/run")


def sysfs(top):
    """An initramfs in which /sys is mounted but has no devices."""
    mount("sys", f"{top}/sys", "tmpfs", 0, "mode=0755")
    os.makedirs(f"{top}/sys/class/block")


def no_sys(top):
    """An initramfs in which /sys is a regular file."""
    os.rmdir(f"{top}/sys")
    write_file(f"{top}/sys", "")


def shared(top):
    """An initramfs on a shared mount, so that mounts cannot be moved from it."""
    mount(None, top, None, MS_SHARED)


def overlay(things, top):
    """An initramfs that is not in memory."""
    for name in ("lower", "upper", "work"):
        os.mkdir(f"{things}/{name}")
    mount("overlay", top, "overlay", 0,
          f"lowerdir={things}/lower,upperdir={things}/upper,workdir={things}/work")


def boots(words="", **options):
    """World keywords: boot the root file system's own init, unless these words change that."""
    return {"cmdline": f"rw {nsboot.BIND} quiet {words}", **options}


def looks(**options):
    """World keywords: root= names a device that does not exist."""
    return {"cmdline": "root=/dev/nowhere rw quiet rootwait=0", **options}


# The root has no init, and the shell is the probe.
SHELL = {"cmdline": f"{nsboot.BIND} rw quiet rootwait=0 rootstock.onfail=shell", "shell": PROBE}
# The first mount fails, the shell (rootstock-init itself, which only prints its usage) ends
# immediately, and the second start succeeds.
TWICE = {**SHELL, "shell": PROGRAM, "strace": ("-e", "inject=mount:error=EIO:when=1")}
DEPLOYMENT = "ostree=" + nstree.BOOTLINK
NO_INIT = " has no init: looked for"
A_SHELL = "a shell in the initramfs, as rootstock.onfail"
NO_SWITCH = "cannot switch to /sysroot"
CANNOT_MOUNT = "cannot mount /phys, which is root=/phys"
USAGE, NO_DEVICE = "see rootstock-init(8)", "no device matches root="
OPEN, STAT = "open,openat", "newfstatat,fstatat64,statx,lstat,lstat64"
TOP = '^"/"'
ALL = ("dev", "proc", "program", "run", "sys", "sysroot", "folder", "folder/deep", "folder/file")
# What also exists while the root file system is still mounted over the initramfs.
ABOVE = ("/dev", "/dev/console", "/dev/null", "/phys", "/proc", "/proc/cmdline", "/run")
FOLDER = ("folder", "folder/deep", "folder/file")


def enters(syscalls, args, *more, changes=(plain,), **options):
    """A row: the boot continues; the rest names what differs."""
    return Fails("initramfs", syscalls, args, RUNS, None, boots(**options), changes, *more)


def ends(syscalls, args, said, options, status=1, which=0, moved=(), odd=(), changes=()):
    """A row: the boot prints this sentence, and ends unless the status says otherwise."""
    return Fails("initramfs", syscalls, args, status, said, options, changes, which, moved, odd)


def twice(syscalls, args, said, status=RUNS, which=0):
    """A row: the boot starts twice."""
    return ends(syscalls, args, said, TWICE, status, which, changes=(plain,))


SITES = {
    ("switchroot.c", "switchroot_mount_early", "mount_kernel", 1): ends(
        "mount", '"/dev"', "cannot mount devtmpfs on /dev", boots(mounts=("proc", "run"))),
    ("switchroot.c", "switchroot_mount_early", "mount_kernel", 2): ends(
        "mount", '"/proc"', "cannot mount proc on /proc", boots(mounts=("dev", "run"))),
    ("switchroot.c", "switchroot_mount_sysfs", "mount_kernel", 1): ends(
        "mount", '"/sys"', "cannot mount sysfs on /sys", looks()),
    # A mount that cannot be moved is unmounted, as if the root had no directory for it.
    ("switchroot.c", "switchroot_enter", "take_along", 1): enters(
        "mount", '"/sysroot/dev"', 0, ("/dev", "/dev/console", "/dev/null")),
    ("switchroot.c", "switchroot_enter", "take_along", 2): enters(
        "mount", '"/sysroot/proc"', 0, ("/proc", "/proc/cmdline")),
    ("switchroot.c", "switchroot_enter", "take_along", 3): enters(
        "mount", '"/sysroot/sys"', 0, ("/sys",), extra=sysfs),
    ("switchroot.c", "switchroot_enter", "take_along", 4): enters(
        "mount", '"/sysroot/run"', 0, ("/run",)),
    ("switchroot.c", "take_along", "fstatat", 1): enters(STAT, '"/sysroot/run"', 0, ("/run",)),
    ("switchroot.c", "take_along", "step_try", 1): enters(
        "mount", '"/run", "/sysroot/run"', 0, ("/run",)),
    # The mount stays in the initramfs, where it is hidden.
    ("switchroot.c", "take_along", "step_try", 2): enters(
        "umount2", '^"/run"', 0, (), ("run",), changes=(plain, no_run)),
    ("switchroot.c", "switchroot_enter", "open", 1): ends(
        OPEN, TOP, "cannot open the initramfs", boots(), which=1),
    ("switchroot.c", "switchroot_enter", "run", 1): ends(
        "mount", r'^"\."', NO_SWITCH, boots()),
    ("switchroot.c", "switchroot_enter", "close", 1): ends(
        "close", "</>", NO_SWITCH, boots(extra=shared), which=-1),
    # Files that cannot be removed stay; all others are removed.
    ("switchroot.c", "open_inner", "openat", 1): enters("openat", '"folder"', 0, (), FOLDER),
    ("switchroot.c", "open_inner", "fdopendir", 1): enters(
        "fcntl", "folder>", 0, (), FOLDER),
    ("switchroot.c", "open_inner", "close", 1): Untried(
        "it runs only after another failure, and nothing depends on it"),
    ("switchroot.c", "remove_all", "open_inner", 1): enters("openat", r'"\."', 0, (), ALL),
    ("switchroot.c", "remove_all", "open_inner", 2): enters("openat", '"folder"', 0, (), FOLDER),
    ("switchroot.c", "remove_all", "readdir", 1): enters("getdents64", "folder>", 0, (), FOLDER),
    ("switchroot.c", "remove_all", "closedir", 1): enters("close", "folder>"),
    ("switchroot.c", "remove_all", "fstatat", 1): enters(STAT, '"folder"', 0, (), FOLDER),
    ("switchroot.c", "remove_all", "unlinkat", 1): enters(
        "unlinkat,rmdir", '"folder"', 0, (), FOLDER[:1]),
    ("switchroot.c", "remove_all", "unlinkat", 2): enters(
        "unlinkat,unlink", '"file"', 0, (), FOLDER[::2]),
    ("switchroot.c", "switchroot_is_initramfs", "open", 1): ends(OPEN, TOP, USAGE, boots(), 2),
    ("switchroot.c", "switchroot_is_initramfs", "in_memory", 1): ends(
        "fstatfs,fstatfs64", "</>", USAGE, boots(), 2),
    ("switchroot.c", "switchroot_is_initramfs", "close", 1): enters("close", "</>"),
    ("switchroot.c", "switchroot_free_initramfs", "in_memory", 1): enters(
        "fstatfs,fstatfs64", "</>", 1, (), ALL),
    ("switchroot.c", "switchroot_free_initramfs", "fstat", 1): enters(
        "fstat," + STAT, "</>, (\"\"|{)", 0, (), ALL),
    ("switchroot.c", "switchroot_free_initramfs", "close", 1): enters("close", "</>", -1),
    # What a lazy unmount leaves is mounted over the initramfs and invisible in the shell.
    ("switchroot.c", "switchroot_return", "step_try", 1): ends(
        "umount2", TOP, A_SHELL, {**SHELL, "extra": no_sys}, RUNS, moved=ABOVE),
    ("switchroot.c", "switchroot_return", "fchdir", 1): ends("fchdir", "", NO_INIT, SHELL),
    ("switchroot.c", "switchroot_return", "chroot", 1): ends("chroot", "", NO_INIT, SHELL, which=-1),
    ("switchroot.c", "switchroot_return", "close", 1): ends("close", "</>", A_SHELL, SHELL, RUNS, -1),
    ("switchroot.c", "switchroot_return", "chdir", 1): ends("chdir", TOP, A_SHELL, SHELL, RUNS, -1),
    ("switchroot.c", "switchroot_return", "step_try", 2): ends(
        "umount2", '^"/sysroot"', A_SHELL, {**SHELL, "extra": shared}, RUNS, moved=("/sysroot",)),
    ("main.c", "mount_device", "open_class", 1): ends(
        OPEN, '"/sys/class/block"', "cannot open /sys/class/block", looks(extra=sysfs)),
    ("main.c", "list_devices", "open_class", 1): ends(
        OPEN, '"/sys/class/block"', "cannot mount /nothing", looks(
            extra=sysfs, cmdline="root=/nothing rootfstype=none rootflags=bind rootwait=0")),
    ("main.c", "mount_device", "close", 1): ends(
        "close", "/sys/class/block>", NO_DEVICE, looks(extra=sysfs), which=-1),
    ("main.c", "list_devices", "close", 1): ends(
        "close", "/sys/class/block>", "cannot mount /nothing", looks(
            extra=sysfs, cmdline="root=/nothing rootfstype=none rootflags=bind rootwait=0"),
        which=-1),
    # /dev is needed only to look for a device.
    ("main.c", "mount_root", "open", 1): enters(OPEN, '^"/dev"'),
    ("main.c", "mount_root", "mkdir", 1): ends(
        "mkdir", '"/sysroot"', "cannot make the directory /sysroot", boots()),
    ("main.c", "boot_plain", "open", 1): ends(OPEN, TOP, NO_INIT, boots(), which=-1),
    ("main.c", "boot_plain", "close", 1): enters("close", "</>", -2),
    ("main.c", "boot", "access", 1): ends("access,faccessat", '"/bin/sh"', NO_INIT, SHELL),
    ("main.c", "boot", "open", 1): ends(
        OPEN, '"/proc"', "cannot read the kernel command line from /proc/cmdline", boots()),
    ("main.c", "boot", "close", 1): enters("close", "/proc>"),
    ("main.c", "boot", "close", 2): enters("close", "socket:"),
    ("main.c", "start_shell", "pipe2", 1): ends("pipe2", "", NO_INIT, SHELL),
    ("main.c", "start_shell", "fork", 1): ends("fork,clone,vfork", "", NO_INIT, SHELL),
    ("main.c", "start_shell", "setsid", 1): ends("setsid", "", A_SHELL, SHELL, RUNS),
    ("main.c", "start_shell", "execl", 1): Elsewhere(
        "initramfs/test/test-ns-faults.py", "the shell is not a program"),
    # The shell counts as one that has ended, so the boot is tried again, and succeeds.
    ("main.c", "start_shell", "write", 1): ends(
        "write", "pipe:.*, 4$", A_SHELL, {**TWICE, "shell": b"no program"}, RUNS, changes=(plain,)),
    ("main.c", "start_shell", "close", 1): ends("close", "pipe:", A_SHELL, SHELL, RUNS, -2),
    ("main.c", "start_shell", "read", 1): ends("read", "^[3-9]<pipe:", A_SHELL, SHELL, RUNS),
    ("main.c", "start_shell", "close", 2): ends("close", "pipe:", A_SHELL, SHELL, RUNS, -1),
    ("main.c", "run_shell", "wait", 1): twice("wait4,waitid", "", USAGE),
    ("main.c", "run_shell", "sleep", 1): twice("nanosleep,clock_nanosleep", "", USAGE),
    ("main.c", "run_shell", "execv", 1): twice("execve", '"/program"', CANNOT_MOUNT, 1),
    ("main.c", "main", "fcntl", 1): ends("fcntl", "^0", NO_INIT, SHELL),
    ("main.c", "main", "write", 1): Fails(
        "initramfs", "write", "rootstock-init", 1, None, boots(stack=overlay)),
    ("mountroot.c", "read_options", "mnt_split_optstr", 1): Elsewhere(
        "initramfs/test/test-mountroot.c", "cmocka_unit_test_setup_teardown(needs_memory"),
    ("mountroot.c", "read_options", "mnt_optstr_get_flags", 1): Untried(
        "the same words have just been split"),
    ("mountroot.c", "read_options", "mnt_get_builtin_optmap", 1): Untried("it returns a constant"),
    ("mountroot.c", "try_once", "mount", 1): ends(
        "mount", '"/phys"', CANNOT_MOUNT, boots("rootwait=0")),
    ("mountroot.c", "try_once", "close", 1): enters("close", "/dev/kmsg>", -1),
    ("mountroot.c", "try_type", "try_once", 1): ends(
        "mount", '"/phys"', CANNOT_MOUNT, boots("rootwait=0")),
    ("mountroot.c", "try_type", "try_once", 2): Elsewhere(
        "initramfs/test/test-mountroot.c", "The second of two tries counts."),
    ("uevent.c", "uevent_open", "socket", 1): enters("socket", ""),
    ("uevent.c", "uevent_open", "bind", 1): enters("bind", ""),
    ("uevent.c", "uevent_open", "close", 1): Untried(
        "it runs only after another failure, and nothing depends on it"),
    ("uevent.c", "uevent_wait", "poll", 1): ends(
        "poll,ppoll", "", NO_DEVICE, looks(extra=sysfs, cmdline="root=/dev/nowhere rootwait=1")),
    ("uevent.c", "uevent_wait", "recvfrom", 1): Elsewhere(
        "initramfs/test/test-uevent.c", '{ "recvfrom", ENOBUFS, -ENOBUFS }'),
}

# Calls that prepare-root's sources make only for rootstock-init, and what a shell then sees.
ALONE = {
    ("realinit.c", "realinit_execute", "step_run", 1): ends(
        "execve", '"/sbin/init"', "cannot execute /sbin/init", boots(), changes=(plain,),
        odd=[name for name in ALL if name != "sysroot"]),
    ("pid1.c", "pid1_boot", "open_proc", 1): enters(OPEN, '"/proc"', 1, words=DEPLOYMENT),
    ("pid1.c", "pid1_boot", "boot", 1): enters("close", "/proc>", -1, words=DEPLOYMENT),
    ("step.c", "switch_root", "chdir", 1): ends("chdir", '^"/sysroot"', NO_SWITCH, boots()),
    ("step.c", "switch_root", "mount", 1): ends("mount", r'^"\."', NO_SWITCH, boots()),
    ("step.c", "switch_root", "chroot", 1): ends("chroot", "", NO_SWITCH, boots()),
    ("step.c", "switch_root", "chdir", 2): ends("chdir", TOP, NO_SWITCH, boots()),
    ("a shell after", "chdir", 1): ends("chdir", '^"/sysroot"', A_SHELL, SHELL, RUNS),
    ("a shell after", "mount", 1): ends("mount", r'^"\."', A_SHELL, SHELL, RUNS),
    # The root file system is already mounted over the initramfs.
    ("a shell after", "chroot", 1): ends(
        "chroot", "", A_SHELL, {**SHELL, "extra": no_sys}, RUNS, moved=ABOVE),
    # There is no way back any more, and no shell in the root file system.
    ("a shell after", "chdir", 2): ends("chdir", TOP, NO_SWITCH, SHELL),
}


def shell_fails():
    """A shell that is not a program is reported, without a fault by strace."""
    with tempfile.TemporaryDirectory() as where:
        status, said, _, _, _ = nsfaults.traced(
            "initramfs", (PROGRAM, PROBE), (), where + "/log", **{**SHELL, "shell": b"no program"})
    wanted = A_SHELL, "cannot start the shell: using panic"
    return nsboot.differs("exit", status, 1) + [
        f"not in {said!r}: {text}" for text in wanted if text not in said]


if __name__ == "__main__":
    CASES = [("the shell is not a program", shell_fails)]
    CASES += nsfaults.rows(ALONE, (PROGRAM, PROBE))
    CASES += nsfaults.cases(SITES, (PROGRAM, PROBE), *SOURCES)
    sys.exit(nstap.main(CASES))
