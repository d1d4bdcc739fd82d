#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our scripts in the images of dracut and initramfs-tools, run with the functions of those systems.
A script in place of ostree-prepare-root records its argument, and fails until /good exists."""
import os
import signal
import subprocess
import sys

from guestimage import PROGRAM, standard, tap
from testlib.slowness import limit

PROGRAM_STUB = b"#!/bin/sh\necho \"$@\" >>/calls\n[ -e /good ]\n"
# The variables of dracut's init that its functions need.
DRACUT = "hookdir=/lib/dracut/hooks NEWROOT=/sysroot; . /lib/dracut-lib.sh; "
ACCEPT = DRACUT + ". $hookdir/pre-mount/00-accept-root.sh; "
PREPARE = DRACUT + ". $hookdir/pre-pivot/00-prepare-root.sh; echo went on"
# The variables that the init of initramfs-tools exports to its scripts.
LOCAL_BOTTOM = "rootmnt=/root quiet=n panic=%s /scripts/local-bottom/rootstock"
SENTENCE = "ostree-prepare-root could not make the deployment of ostree= the root, see above."
OSTREE = "root=/dev/vda1 ostree=/ostree/boot.0/os/1/0 quiet ostree=/ostree/boot.0/os/2/0\n"
WITHOUT = [  # without ostree=, or with words that only look like it
    "root=/dev/vda1 quiet\n", "xostree=/a postree=/b\n"]


def run(tree, cmdline, script, good=True):
    """Runs a script in the image; returns (status, its output, calls of the program).

    It runs in a PID namespace of its own, where a reboot only kills it with SIGHUP.
    """
    tap.write(os.path.join(tree, "proc/cmdline"), cmdline.encode())
    for name in ("calls", "good"):
        path = os.path.join(tree, name)
        if os.path.exists(path):
            os.unlink(path)
    if good:
        tap.write(os.path.join(tree, "good"), b"")
    done = subprocess.run(["unshare", "--user", "--map-root-user", "--pid", "--kill-child",
                           "chroot", tree, "/bin/sh", "-c", script], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
                          timeout=limit(60))
    calls = os.path.join(tree, "calls")
    found = tap.read(calls).decode().splitlines() if os.path.exists(calls) else []
    return done.returncode, done.stdout, found


def stubbed(where, kind):
    """The image of `kind` with the script in place of the program."""
    tree = standard(where, kind)
    program = os.path.join(tree, "usr", PROGRAM)
    os.unlink(program)
    tap.write(program, PROGRAM_STUB)
    os.chmod(program, 0o755)
    os.makedirs(tree + "/dev", exist_ok=True)
    tap.write(tree + "/dev/kmsg", b"")
    return tree


def initramfs_tools(where):
    """initramfs-tools calls the program once, with the mounted root, and only with ostree=."""
    tree = stubbed(where, "initramfs-tools")
    seen = run(tree, OSTREE, LOCAL_BOTTOM % "")
    assert seen == (0, "", ["/root"]), seen
    for cmdline in WITHOUT:
        seen = run(tree, cmdline, LOCAL_BOTTOM % "")
        assert seen == (0, "", []), (cmdline, seen)
    seen = run(tree, OSTREE, "/scripts/local-bottom/rootstock prereqs")
    assert seen == (0, "", []), seen


def initramfs_tools_fails(where):
    """After a failure panic= decides between a reboot and a shell, after which the program is
    called again."""
    tree = stubbed(where, "initramfs-tools")
    status, said, calls = run(tree, OSTREE, LOCAL_BOTTOM % "-1", good=False)
    assert (status, calls) == (-signal.SIGHUP, ["/root"]), (status, calls)
    assert SENTENCE in said and "Rebooting automatically" in said, said
    # panic starts the shell with setsid; this one simulates a user who repairs the system.
    tap.write(tree + "/proc/consoles", b"ttyS0\n")
    os.unlink(tree + "/usr/bin/setsid")
    tap.write(tree + "/usr/bin/setsid", b"#!/bin/sh\n: >/good\n")
    os.chmod(tree + "/usr/bin/setsid", 0o755)
    status, said, calls = run(tree, OSTREE, LOCAL_BOTTOM % "", good=False)
    assert (status, calls) == (0, ["/root", "/root"]) and SENTENCE in said, (status, said, calls)


def dracut_root(where):
    """With ostree= only a file system that has /ostree is accepted as root; without it dracut's own
    check decides, which in Debian 13 accepts any directory."""
    tree = stubbed(where, "dracut")
    for name in ("bare/ostree", "full/proc", "full/sys", "full/dev"):
        os.makedirs(os.path.join(tree, name))
    script = "for i in bare full none; do usable_root /$i && echo $i; done"
    assert run(tree, OSTREE, ACCEPT + script)[1] == "bare\n"
    alone = run(tree, OSTREE, DRACUT + script)[1]
    assert alone in ("full\n", "bare\nfull\n"), alone
    for cmdline in WITHOUT:
        assert run(tree, cmdline, ACCEPT + script)[1] == alone, cmdline


def dracut(where):
    """dracut calls the program once, with $NEWROOT, and only with ostree=."""
    tree = stubbed(where, "dracut")
    assert run(tree, OSTREE, PREPARE) == (0, "went on\n", ["/sysroot"])
    for cmdline in WITHOUT:
        assert run(tree, cmdline, PREPARE) == (0, "went on\n", []), cmdline


def dracut_fails(where):
    """After a failure dracut dies with our message, and nothing after the hook runs."""
    tree = stubbed(where, "dracut")
    status, said, calls = run(tree, OSTREE + " rd.shell=0", PREPARE, good=False)
    assert status == 1 and "went on" not in said and calls == ["/sysroot"], (status, said, calls)
    log = tap.read(tree + "/dev/kmsg").decode()
    assert "FATAL: " + SENTENCE in log, log


if __name__ == "__main__":
    sys.exit(tap.main([
        ("initramfs-tools: the program runs once, and only with ostree=", initramfs_tools),
        ("initramfs-tools: a failure panics, and after a shell the program runs again",
         initramfs_tools_fails),
        ("dracut: which file system is accepted as root", dracut_root),
        ("dracut: the program runs once, and only with ostree=", dracut),
        ("dracut: a failure ends the boot", dracut_fails),
    ]))
