#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: long
"""Roots that are not block devices, whose name in root= is passed to the kernel: flash with UBIFS
and with JFFS2, shares of 9p and virtiofs. Debian's kernel boots from each in QEMU, with a disk and
the module block2mtd as flash, and the root's own init shows what is mounted."""
import os
import re
import shutil
import socket
import subprocess
import sys

from testlib import tap
from rig import cells
from rig.bench import count
from rig.disk import disk
from rig.host import kernels

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "cpio": "cpio", "depmod": "kmod",
         "mkfs.ubifs": "mtd-utils", "ubinize": "mtd-utils", "mkfs.jffs2": "mtd-utils",
         "/usr/bin/busybox": "busybox-static"}
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
# Prints the kernel's line about /: mount options, then type, source and file system options.
INIT = b"""#!/bin/busybox sh
/bin/busybox sed -n 's/^[^/]* \\/ \\/ /the root is /p' /proc/self/mountinfo
/bin/busybox poweroff -f
"""
FLASH, BLOCK = 16 << 20, 128 << 10
MTD = ["virtio_pci", "virtio_blk", "block2mtd block2mtd=/dev/vda,128KiB,flash"]
# block2mtd writes single bytes, so UBI's two headers of 64 bytes come right before the data.
UBI_HEADERS = 128
UBI = """[root]
mode=ubi
image=fs
vol_id=0
vol_size=8MiB
vol_type=dynamic
vol_name=root
"""


def make_root(where):
    """A root file system's files: an init, its shell, and a place for /proc."""
    root = os.path.join(where, "root")
    tap.write(root + "/sbin/init", INIT)
    os.chmod(root + "/sbin/init", 0o755)
    for name in ("bin", "dev", "proc", "sys"):
        os.mkdir(os.path.join(root, name))
    shutil.copy("/usr/bin/busybox", root + "/bin/busybox")
    return root


def boot(where, modules, kargs, devices):
    """The console of a boot with an image of rootstock-mkinitramfs."""
    kind = cells.machine(TOP + "/qemu-tests/machines/x86-sata.ini")
    try:
        release, vmlinuz = kernels.kernel(kind)
    except RuntimeError as reason:
        raise tap.Skip(str(reason)) from reason
    initrd = os.path.join(where, "initrd.img")
    words = [os.path.join(TOP, "initramfs/rootstock-mkinitramfs"), "-o", initrd, "--kernel",
             release, "--init", os.path.join(tap.BUILD, "rootstock-init"), "--moduledir",
             kernels.modules(kind, os.path.join(where, "modules"))]
    subprocess.run(words + [word for name in modules for word in ("--module", name)], check=True)
    return count.run(kind["qemu"].split() + [
        "-accel", "tcg", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-serial", "stdio", "-kernel", vmlinuz, "-initrd", initrd, "-append",
        "console=%s panic=-1 %s" % (kind["console"], kargs)] + devices)


def flash(where, content):
    """QEMU's options for a disk with this content and then erased flash."""
    path = os.path.join(where, "flash")
    tap.write(path, content.ljust(FLASH, b"\xff"))
    return ["-drive", "file=%s,format=raw,if=none,id=flash" % path, "-device",
            "virtio-blk-pci,drive=flash"]


def is_root(console, options, kind, source):
    """Asserts that the root's own init ran, and that the root was mounted from this source."""
    found = re.search(r"^the root is (\S+) .*- (\S+) (\S+) \S+$", console, re.MULTILINE)
    assert found and found.groups() == (options, kind, source), console[-3000:]
    assert "reboot: Power down" in console, console[-3000:]


def ubifs(where):
    """root=ubi0:NAME is mounted as UBIFS without rootfstype=."""
    make_root(where)
    tap.write(where + "/ubi.ini", UBI.encode())
    disk.run(["mkfs.ubifs", "-r", "root", "-m", "8", "-e", str(BLOCK - UBI_HEADERS), "-c", "100",
              "-o", "fs"], cwd=where)
    disk.run(["ubinize", "-o", "ubi", "-m", "1", "-p", str(BLOCK), "ubi.ini"], cwd=where)
    # UBIFS requests its compressors at run time, so they are not dependencies of its module.
    console = boot(where, MTD + ["ubi mtd=flash", "zstd", "lzo", "deflate", "ubifs"],
                   "root=ubi0:root rw rootflags=noatime,compr=none",
                   flash(where, tap.read(where + "/ubi")))
    is_root(console, "rw,noatime", "ubifs", "ubi0:root")


def jffs2(where):
    """root=mtd:NAME is mounted as JFFS2, the first type that is tried for flash."""
    make_root(where)
    disk.run(["mkfs.jffs2", "-r", "root", "-e", str(BLOCK), "-n", "-o", "fs"], cwd=where)
    console = boot(where, MTD + ["jffs2"], "root=mtd:flash",
                   flash(where, tap.read(where + "/fs")))
    is_root(console, "ro,relatime", "jffs2", "mtd:flash")


def share(where, kargs):
    """The console of a boot with a share of 9p named "tree"."""
    root = make_root(where)
    return boot(where, ["virtio_pci", "9pnet_virtio", "9p"], "rootfstype=9p " + kargs, [
        "-fsdev", "local,id=tree,path=%s,security_model=none,readonly=on" % root,
        "-device", "virtio-9p-pci,fsdev=tree,mount_tag=tree"])


def plan9(where):
    """root=TAG rootfstype=9p mounts a share."""
    is_root(share(where, "root=tree rootflags=trans=virtio,nodev"), "ro,nodev,relatime", "9p",
            "tree")


def never_there(where):
    """A missing share is waited for, and named in the final message."""
    console = share(where, "root=three rootflags=trans=virtio rootwait=6")
    for sentence in ("waiting for root=three, 5 seconds so far; cannot mount three, which",
                     "cannot mount three, which is root=three, as 9p: No such file or directory",
                     "Kernel panic"):
        assert sentence in console, (sentence, console[-3000:])


def virtiofs(where):
    """root=TAG rootfstype=virtiofs mounts a share of virtiofsd."""
    if not os.path.exists(VIRTIOFSD):
        raise tap.Skip("qemu-system-common not installed")
    root, path = make_root(where), where + "/socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        # With a socket path it would make a lock file in this host's /run. Its default sandbox uses
        # namespaces, which a container may not allow.
        server = subprocess.Popen((["unshare", "-r"] if os.getuid() else []) + [
            VIRTIOFSD, "--fd=%d" % listener.fileno(), "-o", "sandbox=chroot,source=" + root],
            pass_fds=[listener.fileno()], stderr=subprocess.PIPE, text=True)
    try:
        # The server needs access to all of the guest's memory.
        console = boot(where, ["virtio_pci", "virtiofs"],
                       "root=tree rw rootfstype=virtiofs rootflags=nodev", [
                           "-object", "memory-backend-memfd,id=memory,size=512M,share=on",
                           "-machine", "memory-backend=memory",
                           "-chardev", "socket,id=server,path=" + path,
                           "-device", "vhost-user-fs-pci,chardev=server,tag=tree"])
    finally:
        server.kill()
        # If the server failed, only its own output says why.
        said = server.communicate()[1]
    is_root(console + said, "rw,nodev,relatime", "virtiofs", "tree")


def typo(where):
    """With rootfstype= a misspelled tag counts as a share; the final message lists the devices."""
    console = boot(where, ["virtio_pci", "virtio_blk", "ext4"], "root=LABLE=root rootfstype=ext4",
                   flash(where, b""))
    for sentence in ("block devices found:", "rootstock:   vda",
                     "cannot mount LABLE=root, which is root=LABLE=root, as ext4: No such file or "
                     "directory; there is no such share; for a device use /dev/NAME",
                     "Kernel panic"):
        assert sentence in console, (sentence, console[-3000:])


TESTS = [
    ("UBIFS on ubi0:", ubifs),
    ("JFFS2 on mtd:", jffs2),
    ("a share of 9p", plan9),
    ("a share of virtiofs", virtiofs),
    ("a missing share", never_there),
    ("a misspelled tag of a device", typo),
]

if __name__ == "__main__":
    MISSING = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    sys.exit(tap.main(tap.skipped(TESTS, " ".join(MISSING) + " not installed") if MISSING else
                      TESTS))
