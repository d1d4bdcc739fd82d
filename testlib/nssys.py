# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that Python's os module lacks, and the namespaces for the namespace ring."""

import ctypes
import os

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT = 1, 2, 4, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_MOVE = 1 << 10, 1 << 11, 1 << 12, 1 << 13
MS_REC, MS_PRIVATE, MS_SHARED, MS_STRICTATIME = 1 << 14, 1 << 18, 1 << 20, 1 << 24
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
PR_SET_DUMPABLE = 4
NOBODY = 65534

_libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    """Call a function of the C library; raise OSError if it returns a negative number."""
    if getattr(_libc, name)(*args) < 0:
        err = ctypes.get_errno()
        raise OSError(err, f"{name}{args}: {os.strerror(err)}")


def mount(source, target, fstype=None, flags=0, data=None):
    """mount(2)."""
    def text(s):
        return None if s is None else os.fsencode(s)
    call("mount", text(source), text(target), text(fstype), ctypes.c_ulong(flags), text(data))


def umount(target):
    """umount2(2)."""
    call("umount2", os.fsencode(target), 0)


def unshare(flags):
    """unshare(2)."""
    call("unshare", flags)


def become_private(as_nobody):
    """Give this process a mount namespace of its own, as root or as an ordinary user.

    The ordinary user is "nobody" if we are root (so that the test really runs as another user),
    otherwise the caller; a user namespace maps it to root. Raises OSError if the kernel refuses.
    """
    if as_nobody:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            # Otherwise /proc/self/uid_map would belong to root, and we could not write it.
            call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)
        uid, gid = os.getuid(), os.getgid()
        unshare(CLONE_NEWUSER)
        write_file("/proc/self/setgroups", "deny")
        write_file("/proc/self/uid_map", f"0 {uid} 1\n")
        write_file("/proc/self/gid_map", f"0 {gid} 1\n")
    unshare(CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def write_file(path, data, mode=None):
    """Write text or bytes to a file that may exist."""
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    if mode is not None:
        os.chmod(path, mode)


def read_file(path):
    """The bytes of a file."""
    with open(path, "rb") as f:
        return f.read()
