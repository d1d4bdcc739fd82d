# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a grub.cfg with Debian's GRUB for BIOS in QEMU and reports the data that the kernel got.

This does not need root: mke2fs -d makes the file system, GRUB has a disk image of its own, and the
kernel is realgrub.S, which prints the data and ends.
"""
import os
import subprocess

from testlib import tools
from testlib.slowness import limit

HERE = os.path.dirname(os.path.realpath(__file__))
MODULES = "biosdisk ext2 normal configfile linux test echo true sleep".split()
GRUB = "/usr/lib/grub/i386-pc"
NEEDED = ["qemu-system-x86_64", "grub-mkimage", "mke2fs", "gcc", "ld"]


def missing():
    """The first thing that is not installed, or None."""
    return tools.missing(NEEDED, GRUB + "/boot.img", "grub-pc-bin")


class RealGrub:
    def __init__(self, directory, modules=MODULES, prefix="(hd1)/boot/grub"):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        run = lambda *command: subprocess.run(command, check=True, cwd=directory)
        run("gcc", "-m32", "-c", os.path.join(HERE, "realgrub.S"), "-o", "stub.o")
        run("ld", "-m", "elf_i386", "-Ttext", "0", "--oformat", "binary", "stub.o", "-o", "stub")
        run("grub-mkimage", "-O", "i386-pc", "-p", prefix, "-o", "core.img", *modules)
        with open(self.path("loader.img"), "wb") as image:
            for part in (GRUB + "/boot.img", self.path("core.img")):
                with open(part, "rb") as source:
                    image.write(source.read())
            image.truncate(-(-image.tell() // 512) * 512 + 512)
        with open(self.path("stub"), "rb") as stub:
            self.kernel = stub.read()

    def path(self, name):
        return os.path.join(self.directory, name)

    def boot(self, root, seconds=30):
        """Boots a disk with the content of the directory `root`.

        Returns (command line, size of the initrd), or None if nothing was booted in time."""
        for old in ("root.img", "serial"):
            if os.path.exists(self.path(old)):
                os.remove(self.path(old))
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", root, self.path("root.img"),
                        "16M"], check=True, stdout=subprocess.DEVNULL)
        command = ["qemu-system-x86_64", "-M", "pc,accel=tcg", "-m", "64", "-display", "none",
                   "-nodefaults", "-no-reboot", "-vga", "std",
                   "-serial", "file:" + self.path("serial"),
                   "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
        for name in ("loader.img", "root.img"):
            command += ["-drive", f"file={self.path(name)},format=raw,if=ide,snapshot=on"]
        try:
            subprocess.run(command, timeout=limit(seconds), check=False)
        except subprocess.TimeoutExpired:
            return None
        with open(self.path("serial"), "rb") as serial:
            said = serial.read()
        if not said.startswith(b"cmdline:") or not said.endswith(b"\nend\n"):
            return None
        line, initrd = said[len(b"cmdline:"):-len(b"\nend\n")].rsplit(b"\ninitrd:", 1)
        return line, int(initrd, 16)
