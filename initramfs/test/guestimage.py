# SPDX-License-Identifier: LGPL-2.1-or-later
"""Unpacked images of other initramfs systems, made by their own tools for the kernel that the
machines boot (qemu-tests/rig/disk/foreign.py)."""
import functools
import os
import shutil
import subprocess

from testlib import tap
from rig import cells
from rig.disk import foreign
from rig.host import kernels

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

PROGRAM = "lib/ostree/ostree-prepare-root"
TOOLS = {"dracut": "dracut-core", "mkinitramfs": "initramfs-tools-core", "depmod": "kmod",
         "udevadm": "udev", "lz4": "lz4", "cpio": "cpio"}


@functools.cache
def vmlinuz():
    """The kernel of the machines; without it or without the tools the test is skipped."""
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise tap.Skip(" ".join(missing) + " not installed")
    try:
        return kernels.kernel(cells.machine(TOP + "/qemu-tests/machines/x86-bios-grub.ini"))[1]
    except RuntimeError as reason:
        raise tap.Skip(str(reason)) from reason


def unpack(path, tree):
    """Unpacks the image `path` into the new directory `tree`."""
    os.makedirs(tree)
    archive = subprocess.run(["lz4", "-dc", path], check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["cpio", "-id", "--quiet"], input=archive, check=True, cwd=tree)
    return tree


def standard(where, kind):
    """The unpacked image of `kind` that the machines boot."""
    return unpack(foreign.image(tap.BUILD, kind, vmlinuz()), os.path.join(where, kind))


def special(where, command, change=lambda files: None):
    """An unpacked image made by another command or from changed files; raises RuntimeError."""
    files = foreign.guests(tap.BUILD)
    change(files)
    work, out = os.path.join(where, "work"), os.path.join(where, "out")
    os.mkdir(work)
    foreign.make(out, work, command, files, vmlinuz())
    return unpack(os.path.join(out, "initrd.img"), os.path.join(where, "tree"))
