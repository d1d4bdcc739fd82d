#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ways in which a system made by ostree does not boot, or boots otherwise than one thinks: each is
found under its id, and nothing else is."""
import functools
import glob
import bz2
import gzip
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib

from testlib import tap
from testlib.bootable import BLS, both, run
from testlib.bootfiles import DTB, KERNEL, PROGRAM, archive, elf
from testlib.generator import GRUB, UBOOT
from testlib.host import Host
from testlib.slowness import limit

RELEASE = "6.1.1"
BUILTIN = b"kernel/fs/ext4/ext4.ko\nkernel/drivers/block/virtio_blk.ko\n"
# The entry after which the initramfs is rootstock's own.
OURS = archive({"init": b"x rootstock-init (rootstock) x"})
DRACUT = {"init": b"x", "usr/lib/dracut/hooks/pre-mount/x": b"",
          "usr/lib/ostree/ostree-prepare-root": b"x"}
TOOLS = {"init": b"#!/bin/sh\n", "scripts/functions": b"",
         "usr/lib/ostree/ostree-prepare-root": b"x"}
MENU = "boot/loader/grub.cfg"
TOP = os.path.dirname(os.path.abspath(__file__)) + "/../../.."
STUB, SCRIPT = TOP + "/grub/stub.cfg", TOP + "/uboot/boot.cmd"


def uimage(architecture):
    return b"\x27\x05\x19\x56" + bytes(24) + bytes([0, architecture]) + bytes(600)


def efi(machine, version):
    """A program for EFI: its COFF machine, and the version of its image."""
    return (b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\0\0" + machine.to_bytes(2, "little") +
            bytes(62) + version.to_bytes(2, "little")).ljust(600, b"\0")


def fit(kind, folder=b"images"):
    """A FIT with one image of this type (Devicetree Specification, 5.4)."""
    def node(name, inner):
        return bytes([0, 0, 0, 1]) + (name + b"\0").ljust((len(name) + 4) & ~3, b"\0") + inner + bytes([0, 0, 0, 2])
    data = bytes([0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 5]) + b"12345\0\0\0"
    name = bytes([0, 0, 0, 4, 0, 0, 0, 3]) + len(kind + b"\0").to_bytes(4, "big") + bytes(4)
    kind = (kind + b"\0").ljust((len(kind) + 4) & ~3, b"\0")
    tree = node(b"", node(folder, node(b"x-1", data + name + kind))) + bytes([0, 0, 0, 9])
    strings = b"type\0data\0"
    header = (0xd00dfeed, 40 + len(tree + strings), 40, 40 + len(tree), 0, 17, 16, 0, len(strings), len(tree))
    return b"".join(word.to_bytes(4, "big") for word in header) + tree + strings


class System:
    """A sysroot with one deployment, and what can be done to it."""

    def __init__(self, root):
        self.root = root
        self.entry, = (f"boot/loader/entries/{name}"
                       for name in os.listdir(root + "/boot/loader/entries"))
        self.deployment = os.path.relpath(os.path.realpath(root + self.word("ostree")), root)
        self.tree = f"{root}/{self.deployment}"

    def text(self):
        return tap.read(f"{self.root}/{self.entry}").decode()

    def word(self, name):
        return re.search(rf" {name}=(\S+)", self.text())[1]

    def key(self, name):
        return re.search(rf"^{name} (\S+)", self.text(), re.MULTILINE)[1]

    def edit(self, pattern, new):
        """Changes the entry, and makes the menu again."""
        text, count = re.subn(pattern, new, self.text(), flags=re.MULTILINE)
        assert count == 1, (pattern, text)
        tap.write(f"{self.root}/{self.entry}", text.encode())
        self.make_menu()

    def program(self, path):
        tap.write(f"{self.root}/{path}", PROGRAM)
        os.chmod(f"{self.root}/{path}", 0o755)

    def make_menu(self):
        out = f"{self.root}/{MENU}"
        if GRUB.generate("-o", out, "--root", self.root)[0]:
            os.unlink(out)

    def file(self, key):
        return f"{self.root}/boot{self.key(key)}"


# Functions of a System.


def word(old, new=""):
    """Another word, or none, in the place of one of the options; old is a pattern."""
    return lambda system: system.edit(rf"^(options .*?) ?\b{old}(?= |$)", rf"\1 {new}".rstrip())


def add(words):
    return lambda system: system.edit(r"^(options .*)$", rf"\1 {words}")


def without_initrd(root="root=/dev/vda1", more=""):
    """The kernel itself mounts the root and starts ostree-prepare-root."""
    def act(system):
        system.edit(r"^initrd .*\n", "")
        init = system.word("ostree") + "/usr/lib/ostree/ostree-prepare-root"
        system.edit(r" root=\S+", f" {root} init={init} {more}".rstrip())
    return act


def copy(key, data):
    """The file in /boot alone."""
    def act(system):
        os.unlink(system.file(key))
        tap.write(system.file(key), data)
    return act


def content(key, data):
    """Also the file in the tree that libostree has copied."""
    name = {"linux": "vmlinuz", "initrd": "initramfs.img"}[key]
    return both(copy(key, data), in_tree(f"usr/lib/modules/{RELEASE}/{name}", data))


def initrd(data):
    return content("initrd", data)


def second_initrd(data):
    """One more, after the first."""
    return both(in_boot("second", data),
                lambda system: system.edit(r"^(initrd .*)$", r"\1\ninitrd /second"))


def packed(*command):
    """What a program makes of an archive of dracut's."""
    return subprocess.run(command, input=archive(DRACUT), stdout=subprocess.PIPE, check=True).stdout


def aligned(data):
    """The kernel accepts an archive there only."""
    return data + bytes(-len(data) % 4)


def ramdisk(data, size=None):
    """With U-Boot's legacy header."""
    size = len(data) if size is None else size
    return b"\x27\x05\x19\x56" + bytes(8) + size.to_bytes(4, "big") + bytes(48) + data


def with_bootconfig(data):
    config = b"kernel.loglevel = 7\n\0"
    config += bytes(-len(data + config) % 4)
    return data + config + len(config).to_bytes(4, "little") + bytes(4) + b"#BOOTCONFIG\n"


def modules(count):
    """An archive of so many modules with long names."""
    one = archive({"0" * 58 + ".ko": b""})[:-len(archive({}))]
    return b"".join(one.replace(b"0" * 10 + b".ko", b"%010d.ko" % number) for number in range(count))


def member(name, mode):
    """An archive with one file of a mode."""
    return archive({name: b"x"}).replace(b"%08X" % 0o100755, b"%08X" % mode, 1)


def link(key, target):
    def act(system):
        os.unlink(system.file(key))
        os.symlink(target, system.file(key))
    return act


def gone(key):
    return lambda system: os.unlink(system.file(key))


def menu(data):
    return lambda system: tap.write(f"{system.root}/{MENU}", data)


def changed(old, new):
    """GRUB's menu, changed by hand in its first place."""
    def act(system):
        text = tap.read(f"{system.root}/{MENU}")
        assert old in text, text
        tap.write(f"{system.root}/{MENU}", text.replace(old, new, 1))
    return act


def no_menu(system):
    os.unlink(f"{system.root}/{MENU}")


def grub_cfg(path, text):
    return lambda system: tap.write(f"{system.root}/{path}", f"# x\n{text}\n".encode())


def uboot_menu(system):
    out = f"{system.root}/boot/loader/uEnv.txt"
    assert UBOOT.generate("-o", out, "--root", system.root)[0] == 0


def in_boot(path, data):
    return lambda system: tap.write(f"{system.root}/boot/{path}", data)


def torn(system):
    path = f"{system.root}/{MENU}"
    tap.write(path, tap.read(path)[:-20])


def directory_as_menu(system):
    no_menu(system)
    os.mkdir(f"{system.root}/{MENU}")


def without(path):
    """The deployment lacks a directory or a file."""
    def act(system):
        if os.path.isdir(f"{system.tree}/{path}"):
            shutil.rmtree(f"{system.tree}/{path}")
        else:
            os.unlink(f"{system.tree}/{path}")
    return act


def in_tree(path, data, mode=0o644):
    def act(system):
        where = f"{system.tree}/{path}"
        if os.path.lexists(where):
            os.unlink(where)
        tap.write(where, data)
        os.chmod(where, mode)
    return act


def linked(path, target):
    """The deployment has a link."""
    def act(system):
        where = f"{system.tree}/{path}"
        os.makedirs(os.path.dirname(where), exist_ok=True)
        os.symlink(target, where)
    return act


def systemd(system):
    """The tree's init is systemd."""
    in_tree("usr/lib/systemd/systemd", PROGRAM, 0o755)(system)
    os.unlink(system.tree + "/usr/sbin/init")
    linked("usr/sbin/init", "../lib/systemd/systemd")(system)
    os.mkdir(system.tree + "/home")


def fstab(text):
    return in_tree("etc/fstab", text.encode() + b"\n")


def plain_loader(system):
    """boot/loader is a directory, as on FAT, so that /boot is not bound."""
    loader = system.root + "/boot/loader"
    target = os.path.realpath(loader)
    os.unlink(loader)
    os.rename(target, loader)
    system.make_menu()


def dangling(system):
    os.unlink(system.root + system.word("ostree"))


def leads_out(system):
    dangling(system)
    os.symlink("/", system.root + system.word("ostree"))


def no_var(system):
    shutil.rmtree(os.path.realpath(f"{system.tree}/../../var"))


def configured(group, line):
    """libostree's own settings of the repository."""
    def act(system):
        path = f"{system.root}/ostree/repo/config"
        text = tap.read(path)
        tap.write(path, re.sub(rb"\[sysroot\]\n(.*\n)*?(?=\[|$)", b"", text) +
                  f"\n[{group}]\n{line}\n".encode())
    return act


def no_entries(system):
    os.unlink(f"{system.root}/{system.entry}")


PREPARE_ROOT = "usr/lib/ostree/ostree-prepare-root"
# On standard output; lzma_alone is xz's.
PACKERS = [command for command in (["gzip"], ["zstd", "-q"], ["lz4", "-lq"], ["bzip2"], ["lzop"],
                                   ["xz", "--check=crc32"], ["xz", "--check=none"],
                                   ["xz", "--format=lzma"]) if shutil.which(command[0])]
OSTREE = r"ostree=\S+"
ROOT = r"root=\S+"
LOADER = [
    ("no menu", no_menu, "no-menu"),
    ("a torn menu", torn, "menu-torn"),
    ("the head of another menu", lambda system: tap.write(f"{system.root}/{MENU}", tap.read(
        f"{system.root}/{MENU}").replace(b"function rootstock_", b"function rootstock_x")), "menu-torn"),
    *[(f"a menu with {new!r} for {old!r}", changed(old, new), found) for old, new, found in [
        (b"\n}\n", b"\n", "menu-torn"), (b"\tif [", b"\tfrobnicate\n\tif [", "menu-old"),
        (b"\n}\n", b"\n}\nmenuentry 'a { it\\'s' {\n\ttrue # {\n}\n", "menu-torn"),
        (b"\n}\n", b"\n}\nmenuentry 'a {' \"}\\\"\" {\n\techo ${x} \\{ # {\n}\n", "menu-old"),
        (b"set timeout='5'", b"set timeout='5", "menu-old"), (b"set timeout='5'", b"set timeout='9'", ""),
        (b"\nif [", b"\nfi [", "menu-old"), (b"set timeout=", b"frobnicate\nset timeout=", "menu-old")]],
    ("U-Boot's menu, changed by hand", both(no_menu, uboot_menu, lambda system: tap.write(
        system.root + "/boot/loader/uEnv.txt", tap.read(system.root + "/boot/loader/uEnv.txt").replace(
            b"panic=10", b"panic=11"))), "menu-torn"),
    ("U-Boot's menu with a line after the checksum", both(no_menu, uboot_menu, lambda system: tap.write(
        system.root + "/boot/loader/uEnv.txt", tap.read(system.root + "/boot/loader/uEnv.txt").replace(
            b"\nrootstock_complete", b"\na=b\nrootstock_complete"))), "menu-torn"),
    ("a menu that starts something else", menu(b"menuentry x {\nlinux /k\n}\n"), "menu-useless"),
    ("a menu of garbage", menu(bytes(range(1, 256)) * 9), "menu-useless"),
    ("a menu that is a directory", directory_as_menu, "menu-unreadable"),
    ("GRUB's own file leads elsewhere", grub_cfg("boot/grub/grub.cfg", "linux /k root=/dev/sda1"),
     "stub-missing"),
    ("GRUB's own file on the ESP leads elsewhere",
     grub_cfg("boot/efi/EFI/debian/grub.cfg", "configfile $prefix/other.cfg"), "stub-missing"),
    ("GRUB's own file starts another loader", grub_cfg("boot/grub/grub.cfg",
                                                      "chainloader /EFI/x.efi # bootloader"), "stub-missing"),
    ("one of GRUB's own files leads here", both(
        grub_cfg("boot/efi/EFI/debian/grub.cfg", "configfile $prefix/grub.cfg"),
        grub_cfg("boot/grub2/grub.cfg", "configfile /boot/loader/grub.cfg")), ""),
    ("our stub", grub_cfg("boot/grub/grub.cfg", tap.read(STUB).decode()), ""),
    ("U-Boot's script starts something else", both(no_menu, uboot_menu, in_boot(
        "boot.scr", b"load mmc 0:1 x uEnv.txt")), "other-script"),
    ("our script", both(no_menu, uboot_menu, in_boot("boot.scr", tap.read(SCRIPT))), ""),
    ("another script beside ours", both(no_menu, uboot_menu, in_boot(
        "boot.scr", tap.read(SCRIPT)), in_boot("../boot.scr", b"x")), ""),
    ("another script, for GRUB", in_boot("boot.scr", b"x"), ""),
    ("an extlinux.conf before our script", both(no_menu, uboot_menu, in_boot(
        "boot.scr", tap.read(SCRIPT)), in_boot("extlinux/extlinux.conf", b"label x\n")),
     "other-extlinux"),
    ("an extlinux.conf of a deployment", both(no_menu, uboot_menu, in_boot(
        "extlinux/extlinux.conf", b"append ostree=/x\n")), ""),
    ("an old menu", lambda system: tap.write(
        f"{system.root}/{system.entry}", system.text().replace(" panic=10", " panic=9").encode()),
     "menu-old"),
    ("no entries", no_entries, "menu-empty menu-old"),
    ("no kernel", gone("linux"), "file"),
    ("an empty kernel", content("linux", b""), "file"),
    ("a kernel outside /boot", link("linux", "/etc/passwd"), "file"),
    ("no initramfs", gone("initrd"), "file"),
    ("a FIT as kernel", content("linux", b"\xd0\x0d\xfe\xed" + bytes(600)), "kernel-format"),
    ("a FIT for U-Boot",
     both(no_menu, uboot_menu, content("linux", b"\xd0\x0d\xfe\xed" + bytes(600))), ""),
    ("a uImage for GRUB", content("linux", uimage(24)), "kernel-format"),
    ("a packed kernel for GRUB", content("linux", gzip.compress(b"x" * 9999)), "kernel-format"),
    ("an EFI program for x86, for GRUB", content("linux", efi(0x8664, 0)), "kernel-format"),
    ("a new EFI program for x86, for GRUB", content("linux", efi(0x8664, 257)), "kernel-unknown"),
    ("an EFI program for arm64, for GRUB", both(content("linux", efi(0xaa64, 0)), in_tree(
        "usr/sbin/init", elf(183), 0o755)), ""),
    *[(f"an ELF file for machine {machine} as kernel", content("linux", data), "")
      for machine, data in [(21, elf(21)), (22, elf(22)[:5] + b"\2" + elf(22)[6:18] + b"\0\x16" + elf(22)[20:])]],
    *[(f"a device tree {what}", both(in_boot("a.dtb", data), lambda system: system.edit(
        r"^linux (.*)$", r"linux \1\ndevicetree /a.dtb")), found) for what, data, found in [
            ("of text", b"x" * 99, "devicetree-invalid"), ("that is cut", DTB[:-1], "devicetree-invalid"),
            ("that is right", DTB + b"x", ""), ("with U-Boot's header", uimage(2), "")]],
    ("an ELF file as kernel", content("linux", elf(62)), "kernel-format"),
    ("a kernel of unknown format", content("linux", b"x" * 999), "kernel-unknown"),
    ("an entry without a kernel", lambda system: system.edit(r"^linux .*\n", ""),
     "entry-invalid menu-empty no-menu"),
    ("a command line that is too long", add("x" * 2048), "left-out menu-empty no-menu"),
    ("a word that GRUB cannot pass on", add("a='b'"), "left-out menu-empty no-menu changed"),
    ("a setting of GRUB's menu that is wrong", in_tree("usr/lib/rootstock/grub.conf", b"timeout=x\n"),
     "settings-invalid"),
    ("libostree calls no generator", configured("sysroot", "bootloader=none"), "no-hook"),
]
UUID = "6b8a3b0e-7e9b-4d3c-9d1e-0123456789ab"
DEVICE = [
    ("no root=", word(ROOT), "root-missing"),
    ("no root= for the kernel", both(without_initrd(), word(ROOT)), "root-missing"),
    ("no root= for dracut", both(content("initrd", archive(DRACUT)), word(ROOT)),
     "root-maybe-missing"),
    ("no root= for rootstock-init, which has a default",
     both(content("initrd", OURS), word(ROOT)), ""),
    ("neither root= nor ostree= for rootstock-init",
     both(content("initrd", OURS), word(ROOT), word(OSTREE)), "root-missing ostree-missing"),
    ("a misspelt prefix", word(ROOT, "root=UUDI=" + UUID), "root-prefix"),
    ("a prefix in small letters", word(ROOT, "root=uuid=" + UUID), "root-prefix"),
    ("a prefix in small letters for dracut", both(
        content("initrd", archive(DRACUT)), word(ROOT, "root=label=x")), "root-prefix"),
    *[(f"root={value} for initramfs-tools", word(ROOT, f"root={value}"), found) for value, found in [
        ("UUID=", "root-invalid"), ("LABEL=", "root-invalid"), ("", "root-missing"),
        ("sda1", "root-prefix"), ("8:1", ""), ("0801", ""), ("host:/x", ""), ("/x", ""),
        ("ZFS=x/y", ""), ("sda1 boot=live", ""), ("tag rootfstype=virtiofs", "")]],
    ("root=UUID= for dracut", both(content("initrd", archive(DRACUT)), word(ROOT, "root=UUID=")),
     "root-invalid"),
    ("root=fstab for dracut", both(content("initrd", archive(DRACUT)), word(ROOT, "root=fstab")), ""),
    *[(f"root={value} for the kernel", without_initrd("root=" + value), found) for value, found in [
        ("/dev/mapper/vg-root", "root-needs-initramfs"), ("/dev/vg/root", "root-needs-initramfs"),
        ("/dev/cciss/c0d0p1", ""), ("/dev/md0", ""), ("/dev/cifs", ""), ("/dev/dm-0", "")]],
    ("a misspelt prefix for rootstock-init",
     both(content("initrd", OURS), word(ROOT, "root=UUDI=" + UUID)), "root-invalid"),
    ("a misspelt prefix for the kernel", without_initrd("root=PARTUID=" + UUID), "root-invalid"),
    ("a UUID that is none", word(ROOT, "root=UUID=not-a-uuid"), "root-uuid-form"),
    ("a UUID that is cut", word(ROOT, "root=UUID=" + UUID[:-1]), "root-uuid-form"),
    ("a UUID", word(ROOT, "root=UUID=" + UUID.upper()), ""),
    ("a UUID of FAT", word(ROOT, "root=UUID=1234-ABCD"), ""),
    ("no UUID for rootstock-init", both(content("initrd", OURS), word(ROOT, "root=UUID=")),
     "root-invalid"),
    ("UUID= for the kernel", without_initrd("root=UUID=" + UUID), "root-needs-initramfs"),
    ("LABEL= for the kernel", without_initrd("root=LABEL=x"), "root-needs-initramfs"),
    ("udev's link for the kernel", without_initrd("root=/dev/disk/by-partuuid/" + UUID),
     "root-needs-initramfs"),
    *[(f"an initramfs in the kernel: {what}", both(
        content("linux", data), lambda system: system.edit(r"^initrd .*\n", ""), no_menu, uboot_menu),
       found) for what, data, found in [
           ("a FIT", fit(b"ramdisk"), ""), ("a FIT without", fit(b"kernel"), "root-needs-initramfs init-missing"),
           ("another node", fit(b"ramdisk", b"x"), "root-needs-initramfs init-missing"),
           ("a FIT that is damaged", fit(b"ramdisk")[:60], "initramfs-unknown"),
           ("a FIT without end", fit(b"kernel")[:-24].ljust(9999, b"\0"), "initramfs-unknown")]],
    *[(f"an initramfs in the kernel: {path} {text!r}", both(
        lambda system: system.edit(r"^initrd .*\n", ""), in_tree(path, text.encode())), found)
      for path, text, found in [
          (f"usr/lib/modules/{RELEASE}/config", 'CONFIG_X=y\nCONFIG_INITRAMFS_SOURCE="x"\n', ""),
          (f"boot/config-{RELEASE}", 'CONFIG_INITRAMFS_SOURCE="x"\n', ""),
          (f"usr/lib/modules/{RELEASE}/config", 'CONFIG_INITRAMFS_SOURCE=""\n',
           "root-needs-initramfs init-missing")]],
    ("PARTUUID= for the kernel", without_initrd("root=PARTUUID=" + UUID), ""),
    ("a bad offset", without_initrd(f"root=PARTUUID={UUID}/PARTNROFF=x"), "root-invalid"),
    ("no name", without_initrd("root=/dev/"), "root-invalid"),
    ("a name without /dev", without_initrd("root=sda1"), "root-invalid"),
    ("NFS for the kernel", without_initrd("root=/dev/nfs"), ""),
    ("NFS for rootstock-init", both(content("initrd", OURS), word(ROOT, "root=nfs:x:/y")),
     "root-invalid"),
    ("a logical volume for rootstock-init",
     both(content("initrd", OURS), word(ROOT, "root=/dev/mapper/a-b")), "root-invalid"),
    ("a logical volume for initramfs-tools", word(ROOT, "root=/dev/mapper/a-b"), ""),
    ("a driver of the disk that is a module", without_initrd("root=/dev/nvme0n1p1"), "root-driver"),
    ("a driver of the disk that is built in", without_initrd(), ""),
    ("a file system that is a module", without_initrd(more="rootfstype=xfs"), "root-driver"),
    ("ext2 by its own driver", both(without_initrd(more="rootfstype=ext2"), in_tree(
        f"usr/lib/modules/{RELEASE}/modules.builtin", BUILTIN.replace(b"ext4", b"ext2"))), ""),
    ("ext3 without a driver", both(without_initrd(more="rootfstype=ext3"), in_tree(
        f"usr/lib/modules/{RELEASE}/modules.builtin", BUILTIN.replace(b"ext4", b"ext2"))), "root-driver"),
    ("a file system that is built in", without_initrd(more="rootfstype=ext3"), ""),
    ("an initramfs without the file system", add("rootfstype=xfs"), "root-driver"),
    ("an initramfs with it", both(add("rootfstype=xfs"), content("initrd", archive(
        {**TOOLS, f"lib/modules/{RELEASE}/kernel/fs/xfs/xfs.ko.zst": b""}))), ""),
    ("an initramfs with a driver that has another letter",
     both(word(ROOT, "root=/dev/sda1"), content("initrd", archive(
         {**DRACUT, f"usr/lib/modules/{RELEASE}/kernel/drivers/scsi/sd-mod.ko": b""}))), ""),
    ("an initramfs for another kernel", content("initrd", archive(
        {**TOOLS, "lib/modules/5.10.0/kernel/fs/xfs/xfs.ko": b""})), "initrd-release"),
]
DEPLOYMENT = [
    ("dracut without OSTree's step", content("initrd", archive({**dict(list(DRACUT.items())[:2])})),
     "initrd-ostree"),
    ("initramfs-tools without OSTree's step", content("initrd", gzip.compress(archive(
        {**dict(list(TOOLS.items())[:2])}))), "initrd-ostree"),
    ("an archive of microcode first", content("initrd", archive(
        {"kernel/x86/microcode/GenuineIntel.bin": b"x" * 99}) + bytes(512) +
        gzip.compress(archive(DRACUT))), ""),
    ("no ostree=", word(OSTREE), "ostree-missing"),
    ("ostree= is misspelt", lambda system: system.edit(" ostree=", " ostre="),
     "ostree-missing word-unknown"),
    ("no ostree=, and a physical root with an init",
     both(word(OSTREE), lambda system: system.program("sbin/init")), "physical-root"),
    ("no ostree=, and a physical root without the init that is named",
     both(word(OSTREE, "init=/bin/other"), lambda system: system.program("sbin/init")),
     "physical-root"),
    ("no ostree=, and a physical root without the init that is named to the kernel",
     both(lambda system: system.edit(r"^initrd .*\n", ""), word(OSTREE, "init=/bin/other"),
          lambda system: system.program("sbin/init")), "ostree-missing root-needs-initramfs"),
    ("a bootlink that dangles", dangling, "deployment"),
    ("a bootlink that leads out", leads_out, "deployment"),
    *[(f"a tree without /{name}", without(name), "deployment")
      for name in ("usr", "etc", "run", "dev", "sysroot", "var")],
    ("a tree without init", without("usr/sbin/init"), "deployment"),
    ("an init that cannot be executed", in_tree("usr/sbin/init", b"x"), "deployment"),
    ("no stateroot's var", no_var, "deployment"),
    ("composefs that is asked for", in_tree("usr/lib/ostree/prepare-root.conf",
                                            b"[composefs]\nenabled=signed\n"), "deployment"),
    ("composefs on the command line", add("ostree.prepare-root.composefs=verity"), "deployment"),
    ("composefs as of 2023", add("ot-composefs=signed"), "deployment"),
    ("a setting that has no effect", in_tree("usr/lib/ostree/prepare-root.conf",
                                             b"[etc]\ntransient=true\n"), "deployment-warning"),
    ("a third slot", add("androidboot.slot_suffix=_c"), "deployment"),
    *[(f"an init that is {what}", in_tree("usr/sbin/init", data, 0o755), found)
      for what, data, found in [
          ("empty", b"", "init-program"), ("a text", b"exec /bin/sh\n", "init-program"),
          ("a script without a shell", b"#!/nonexistent -x\n", "init-program"),
          ("a script without a name", b"#! \n", "init-program"),
          ("a script of a script", b"#!/usr/lib/sh\n", "init-program"),
          ("a script whose shell is in /var", b"#! /var/x/sh\n", ""),
          ("an ELF file without its interpreter", elf(62, b"/lib64/ld.so"), "init-program"),
          ("an ELF file that is cut", PROGRAM[:100], "init-program")]],
    ("an init that is a script of a script without a shell", both(
        in_tree("usr/lib/sh", b"#!/none\n", 0o755),
        in_tree("usr/sbin/init", b"#!/usr/lib/sh\n", 0o755)), "init-program"),
    ("an init that is a script of a dynamic program", both(
        in_tree("usr/lib/ld.so", PROGRAM, 0o755), linked("lib", "usr/lib"),
        in_tree("usr/lib/sh", elf(62, b"/lib/ld.so"), 0o755),
        in_tree("usr/sbin/init", b"#!/lib/sh\n", 0o755)), ""),
    ("an init whose interpreter cannot be executed", both(
        in_tree("usr/lib/ld.so", PROGRAM), in_tree("usr/sbin/init", elf(62, b"/usr/lib/ld.so"), 0o755)),
     "init-program"),
    ("a dynamic ostree-prepare-root for the kernel", both(without_initrd(), in_tree(
        "usr/lib/ld.so", PROGRAM, 0o755), in_tree(PREPARE_ROOT, elf(62, b"/usr/lib/ld.so"), 0o755)),
     "init-program"),
    ("a dynamic ostree-prepare-root, and its interpreter in the physical root", both(
        without_initrd(), lambda system: system.program("lib/ld.so"),
        in_tree(PREPARE_ROOT, elf(62, b"/lib/ld.so"), 0o755)), ""),
    ("an ostree-prepare-root for ARM", both(without_initrd(), in_tree(PREPARE_ROOT, elf(183), 0o755)),
     "init-machine"),
    ("a tree for ARM", in_tree("usr/sbin/init", elf(183), 0o755), "init-machine"),
    ("a tree for 32 bits", in_tree("usr/sbin/init", elf(3), 0o755), ""),
    ("a kernel without init=", lambda system: system.edit(r"^initrd .*\n", ""),
     "init-missing root-needs-initramfs"),
    ("no program for init=", both(without_initrd(), without(
        "usr/lib/ostree/ostree-prepare-root")), "init-program"),
    *[(f"fstab: {line!r}", both(systemd, fstab(f"# x\n\n{line}")), found)
      for line, found in [
          ("/dev/sdb1 /data ext4 defaults 0 2", "fstab-directory"),
          ("/dev/sdb1 /usr/local/data ext4 defaults", "fstab-directory"),
          ("/dev/sdb1 /data ext4 defaults,nofail 0 2", ""),
          ("/dev/sdb1 /data ext4 noauto", ""),
          ("/dev/sdb1 /var/lib/data ext4 defaults 0 2", ""),
          ("/dev/sdb1 /usr ext4 defaults 0 2", ""),
          ("/dev/sdb1 /sbin/data ext4 defaults 0 2", "fstab-directory"),
          ("/dev/sdb1 /var ext4 defaults 0 2", "fstab-var"),
          ("/dev/sdb1 none swap sw", ""), ("LABEL=x / ext4 defaults 0 1", ""),
          ("not a line at all of the kind", ""), ("tmpfs /tmp tmpfs", "fstab-directory"),
          ("LABEL=ESP /boot/efi vfat umask=0077", ""), ("x /sysroot/x ext4", ""),
          ("x /boot ext4", ""), ("proc /proc proc", ""),
          ("host:/x /data nfs defaults", ""), ("/dev/sdb1 /data ext4 _netdev", ""),
          ("/dev/sdb1 /usr/data ext4\n/dev/sdb2 /usr/data/sub ext4 defaults", "fstab-directory"),
          ("/dev/sdb1 /home ext4\n/dev/sdb2 /home/sub/x ext4 defaults", "")]],
    *[(f"fstab: {what}", both(systemd, *acts, fstab(line)), found) for what, line, found, *acts in [
        ("a mount below a unit's", "x /home/sub ext4", "",
         in_tree("usr/lib/systemd/system/home.mount", b"[Mount]\n")),
        ("a unit for the same mount", "x /da-ta/sub ext4", "",
         in_tree("etc/systemd/system/da\\x2dta-sub.mount", b"[Mount]\n")),
        ("a mount that is masked", "x /data ext4", "",
         linked("etc/systemd/system/data.mount", "/dev/null")),
        ("/boot that is not bound", "x /boot/efi vfat", "fstab-directory", plain_loader),
        ("a link to what is writable", "tmpfs /tmp tmpfs", "", linked("tmp", "sysroot/tmp")),
        ("a link below the physical root", "x /ostree/x ext4", "", linked("ostree", "sysroot/ostree")),
        ("a hotfix", "x /usr/local/data ext4", "",
         lambda system: [os.mkdir(f"{system.tree}/.usr-ovl-{name}") for name in ("work", "upper")]),
        ("ignored", "x /data ext4", "", add("fstab=no")),
        ("a mount by the command line", "x /data/sub ext4", "", add("systemd.mount-extra=y:/data")),
        ("a writable root", "x /data ext4", "", add("rw")),
        ("a root that is mounted again", "x / ext4 defaults\nx /data ext4", ""),
        ("a read-only root", "x / ext4 ro\nx /data ext4", "fstab-directory")]],
    ("fstab: an init other than systemd", fstab("/dev/sdb1 /data ext4 defaults"), ""),
    ("fstab: another root",
     both(word(ROOT, "root=UUID=" + UUID), in_tree("etc/fstab", b"UUID=1234-ABCD / ext4 ro\n")),
     "fstab-root"),
    *[(f"fstab: {source} for root={root}",
       both(word(ROOT, "root=" + root), fstab(source + " / ext4 ro")), found)
      for source, root, found in [
          (f'UUID="{UUID}"', "UUID=" + UUID, ""), (f'UUID="{UUID[:-1]}0"', "UUID=" + UUID, "fstab-root"),
          ("LABEL=a\\040b", '"LABEL=a b"', ""), ("LABEL=a\\040b", "LABEL=a", "fstab-root"),
          ("PARTUUID=AB-01", "PARTUUID=ab-01", ""), ("PARTUUID=ab-02", "PARTUUID=ab-01", "fstab-root"),
          ("LABEL=x", "UUID=" + UUID, ""), ("/dev/vda", "LABEL=x", "")]],
    ("fstab: the same root",
     both(word(ROOT, "root=UUID=" + UUID), in_tree("etc/fstab", b"UUID=%s / ext4 ro\n"
                                                     % UUID.upper().encode())), ""),
    ("a value of onfail= that is none", add("rootstock.onfail=rebot"), "onfail-invalid"),
    ("onfail=shell without a shell", both(content("initrd", OURS), add("rootstock.onfail=shell")),
     "onfail-shell"),
    ("onfail=shell with a shell", both(content("initrd", OURS + archive({"bin/sh": b"x"})),
                                       add("rootstock.onfail=shell")), ""),
    ("onfail=shell without an initramfs", without_initrd(more="rootstock.onfail=shell"),
     "onfail-shell"),
    ("onfail=shell for dracut", add("rootstock.onfail=shell"), ""),
    ("onfail= is misspelt", add("rootstock.onfial=reboot"), "word-unknown"),
    ("an unknown word", add("rootstock.frobnicate"), "word-unknown"),
    *[(f"another's word {name}", add(name), "")
      for name in ("boot_delay=5", "rootrwfstype=ext4", "rootpart=2", "rootdisk")],
    ("a misspelt word of the kernel's", add("rootwiat"), "word-unknown"),
    ("a variable of GRUB's", add("$ignition_firstboot"), "changed"),
    ("a dollar in a value", add("console=${console}"), ""),
    ("no panic=", word("panic=10"), "no-panic"),
]
RANDOM = os.urandom(1 << 16)
CONF = "ostree/prepare-root.conf"
SIGNED, MAYBE = b"[composefs]\nenabled=signed\n", b"[composefs]\nenabled=maybe\n"
INITRAMFS = [
    *[(f"an initramfs without /init: {name}", initrd(data), "initrd-init") for name, data in [
        ("zeros", bytes(100000)), ("packed zeros", gzip.compress(bytes(100000))),
        ("microcode only", archive({"kernel/x86/microcode/GenuineIntel.bin": b"x" * 99})),
        ("it is in a directory", archive({**dict(list(DRACUT.items())[1:]), "rootfs/init": b"x"})),
        ("it is a directory", archive(DRACUT) + member("init", 0o040755)),
        ("it cannot be executed", archive(DRACUT) + member("init", 0o100644))]],
    ("an initramfs whose /init is a link", initrd(archive(
        dict(list(DRACUT.items())[1:])) + member("./init", 0o120777)), ""),
    ("an initramfs whose /init has another name", both(add("rdinit=/bin/start"), initrd(archive(
        {**dict(list(DRACUT.items())[1:]), "bin/start": b"x"}))), ""),
    ("rdinit=/init", both(add("rdinit=/init"), initrd(bytes(99))), "initrd-init"),
    ("/init in the second initramfs", both(initrd(archive({"x": b""})), second_initrd(archive(DRACUT))), ""),
    ("a file that is packed and no archive", initrd(gzip.compress(b"x" * 9999)), "initrd-damaged"),
    ("a file that is no initramfs", initrd(b"x" * 99), "initrd-damaged"),
    ("a file that is a FIT", initrd(b"\xd0\x0d\xfe\xed" + bytes(99)), "initrd-unread"),
    ("something else after /init", initrd(archive(DRACUT) + b"x" * 99), "initrd-unread"),
    ("lz4 in a format that the kernel does not know", initrd(b"\x04\x22\x4d\x18" + bytes(99)),
     "initrd-damaged"),
    ("an initramfs that is a directory of cpio's old format", initrd(b"070707" + b"0" * 200),
     "initrd-damaged"),
    ("a damaged initramfs", initrd(gzip.compress(archive(DRACUT) * 9)[:-20]), "initrd-damaged"),
    ("half an initramfs", initrd(gzip.compress(archive({**DRACUT, "x": RANDOM}))[:1 << 15]),
     "initrd-damaged"),
    ("half an initramfs after microcode", initrd(archive({"x": b"x"}) + gzip.compress(
        archive({**DRACUT, "x": RANDOM}))[:1 << 15]), "initrd-damaged"),
    ("the beginning of an initramfs", initrd(gzip.compress(archive(DRACUT))[:12]), "initrd-damaged"),
    ("a wrong checksum", initrd(gzip.compress(archive(DRACUT))[:-8] + b"wrongsum"), "initrd-damaged"),
    *[(f"an initramfs that is cut, without the last {count} bytes",
       initrd(archive(DRACUT)[:-count]), "initrd-damaged") for count in (3, 100, 150, 180)],
    ("a damaged initramfs before a good one", both(
        initrd(archive(DRACUT)[:-100]), second_initrd(archive(DRACUT))), "initrd-damaged"),
    ("a name that is longer than the kernel's", initrd(archive({"x" * 5000: b"", **DRACUT})), ""),
    *[(f"xz with {name}", initrd(lzma.compress(archive(DRACUT), check=check)), "initrd-format")
      for name, check in [("CRC64", lzma.CHECK_CRC64), ("SHA-256", lzma.CHECK_SHA256)]],
    *[(f"{' '.join(command)}, {name}", initrd(change(packed(*command, "-c"))), "")
      for command in PACKERS
      for name, change in [
          ("alone", lambda data: data), ("with zeros at the end", lambda data: data + bytes(515)),
          ("before an archive", lambda data: aligned(data) + archive({"x": b"x"})),
          ("before gzip", lambda data: data + bytes(5) + gzip.compress(archive({"x": b"x"}))),
          ("before bzip2", lambda data: data + bz2.compress(archive({"x": b"x"}))),
          ("twice", lambda data: data + data),
          ("with a boot configuration", with_bootconfig)]],
    *[(f"{' '.join(command)}, and the OSTree step after it", initrd(aligned(subprocess.run(
        [*command, "-c"], input=archive(dict(list(DRACUT.items())[:2])), check=True,
        stdout=subprocess.PIPE).stdout) + archive({"usr/lib/ostree/ostree-prepare-root": b"x"})), "")
      for command in PACKERS],
    ("a boot configuration", initrd(with_bootconfig(archive(DRACUT))), ""),
    ("U-Boot's header, for U-Boot", both(
        no_menu, uboot_menu, initrd(ramdisk(gzip.compress(archive(DRACUT))) + b"x")), ""),
    ("U-Boot's header, for GRUB", initrd(ramdisk(archive(DRACUT))), "initrd-format"),
    ("U-Boot's header, and less than it says", both(
        no_menu, uboot_menu, initrd(ramdisk(archive(DRACUT), 9999))), "initrd-damaged"),
    ("a kernel of another size than the tree's", copy("linux", KERNEL + b"more"), "file-differs"),
    ("an initramfs of another size than the tree's", copy("initrd", OURS), "file-differs"),
    ("a second initramfs beside the tree's", second_initrd(archive({"x": b""})), ""),
    ("two kernels in the tree", both(copy("initrd", OURS), in_tree(
        "usr/lib/modules/5.1/vmlinuz", b"x")), ""),
    ("an older place for kernels in the tree", both(copy("initrd", OURS), in_tree(
        "boot/vmlinuz-5.1-0123", b"x")), ""),
    ("dracut's image in the image", both(add("rootfstype=xfs"), initrd(archive(
        {"init": b"x", "squash-root.img": b"hsqs"}))), ""),
    ("settings in the initramfs", initrd(archive({**TOOLS, "usr/lib/" + CONF: SIGNED})), "deployment"),
    ("settings in /etc of the initramfs", initrd(gzip.compress(archive(
        {**TOOLS, "etc/" + CONF: SIGNED, "usr/lib/" + CONF: MAYBE}))), "deployment"),
    ("settings in the initramfs, and others in the tree", both(
        initrd(archive({**TOOLS, "etc/" + CONF: MAYBE, "usr/lib/" + CONF: SIGNED})),
        in_tree("usr/lib/" + CONF, SIGNED)), "deployment-warning"),
    ("settings in the second initramfs", both(
        initrd(archive({**TOOLS, "etc/" + CONF: SIGNED})), second_initrd(archive({"etc/" + CONF: b""})),
        in_tree("usr/lib/" + CONF, SIGNED)), ""),
    ("settings in the initramfs that are too long", initrd(archive(
        {**TOOLS, "etc/" + CONF: b"#" * 65536})), "initrd-unread"),
    ("names of modules without end", both(add("rootfstype=xfs"), initrd(gzip.compress(
        modules(150000) + archive(DRACUT), 1))), "initrd-unread"),
]
BOOTS = {"menu-old", "settings-invalid", "no-hook"}


def make(where):
    """A sysroot in which nothing is wrong."""
    host = Host(where, GRUB.program)
    host.set_bootloader("grub2")
    host.commit("1", more={"modules/modules.builtin": BUILTIN,
                           "usr/lib/ostree/ostree-prepare-root": b"x"})
    host.deploy("--karg=root=LABEL=x", "--karg=panic=10")
    program, = (f"{top}/{name}" for top, _, names in os.walk(host.root + "/ostree/deploy")
                for name in names if name == "ostree-prepare-root")
    # A commit of a bare-user repository: what it has is read-only, and shared with the repository.
    os.unlink(program)
    tap.write(program, PROGRAM)
    os.chmod(program, 0o755)
    System(host.root).make_menu()
    assert run("check", host.root)["findings"] == []
    return host.root


def case(where, origin, act, expected):
    root = where + "/sysroot"
    subprocess.run(["cp", "-a", origin, root], check=True)
    system = System(root)
    act(system)
    document = run("check", root)
    found = document["findings"]
    assert sorted({one["id"] for one in found}) == sorted(set(expected.split())), found
    errors = [one for one in found if one["severity"] == "error" and one["id"] not in BOOTS]
    for entry in document["entries"]:
        assert entry["boots"] is not bool(errors), document


def unreadable(where, origin):
    """Nothing is concluded from an initramfs that the user may not read."""
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        raise tap.Skip("setpriv is not installed")
    root = where + "/sysroot"
    subprocess.run(["cp", "-a", origin, root], check=True)
    system = System(root)
    both(add("rootfstype=xfs"))(system)
    os.chmod(system.file("initrd"), 0)
    command = [BLS.program, "check", "--json", "--root", root]
    if os.geteuid() == 0:
        os.chmod(where, 0o755)
        command = ["setpriv", "--reuid=65534", "--clear-groups", *command]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    found = json.loads(done.stdout)["findings"]
    assert [one["id"] for one in found] == ["initrd-unread"], found
    assert "only root" in found[0]["what"], found


def gzip_bomb(size):
    """So many MiB of zeros."""
    bomb, part = zlib.compressobj(1, wbits=31), bytes(1 << 20)
    return b"".join([bomb.compress(part) for _ in range(size)] + [bomb.flush()])


def hostile(where, origin):
    """Bombs end soon, and a file that is named often is read once."""
    root = where + "/sysroot"
    subprocess.run(["cp", "-a", origin, root], check=True)
    system = System(root)
    with open(root + "/boot/zeros", "wb") as out:
        out.truncate(1 << 40)
    bomb = gzip_bomb(64)
    tap.write(root + "/boot/bomb", bomb)
    system.edit(r"^(initrd .*)$", r"\1" + "\ninitrd /zeros" * 9 + "\ninitrd /bomb" * 99)
    started = time.monotonic()
    assert run("check", root)["findings"] == []
    assert time.monotonic() - started < limit(20)
    # A file that says that it is larger than anything is not tried.
    claim = archive({"x": b""}).replace(b"%08X" % 0, b"FFFFFFF0", 7)
    tap.write(root + "/boot/bomb", gzip.compress(claim + bytes(99)))
    started = time.monotonic()
    assert [one["id"] for one in run("check", root)["findings"]] == ["initrd-unread"]
    assert time.monotonic() - started < limit(2)
    with open(root + "/boot/bomb", "wb") as out:
        out.write(b"\x1f\x8b\x08")
        out.truncate(1 << 40)
    assert [one["id"] for one in run("check", root)["findings"]] == ["initrd-unread"]
    if not tap.LONG:
        return
    for number in range(9):
        tap.write(f"{root}/boot/bomb{number}", gzip_bomb(300))
        system.edit(r"^(linux .*)$", rf"\1\ninitrd /bomb{number}")
    started = time.monotonic()
    assert [one["id"] for one in run("check", root)["findings"]] == ["initrd-unread"]
    assert time.monotonic() - started < limit(60)


def documented(where):
    """The man page has each id, and the table above a case for those of an entry."""
    del where
    here = os.path.dirname(os.path.abspath(__file__))
    sources = "".join(tap.read(path).decode() for path in glob.glob(f"{here}/../*.c"))
    ids = set(re.findall(r'finding_kind \w+ = \{\s*"([a-z-]+)"', sources))
    page = tap.read(f"{here}/../rootstock-bls.8").decode()
    listed = set(re.findall(r"[a-z-]+", " ".join(re.findall(r"^\.It Li (.*)", page, re.MULTILINE))))
    assert len(ids) > 30 and not ids - listed, ids - listed
    tried = set(" ".join(expected for *_, expected in LOADER + DEVICE + INITRAMFS + DEPLOYMENT).split())
    assert not tried - ids, tried - ids
    # test-check.py has these, test-bootfs-limits.py bootfs, and test-rootarg.c the UUID.
    assert ids - tried == {"byte-order-mark", "changed", "menu-foreign", "other-order",
                           "prefix-needed", "prefix-wrong", "repository-unreadable", "stub-uuid", "same-id",
                           "same-name", "root-other", "bootfs"} - tried, ids - tried


def main():
    if not shutil.which("ostree"):
        return tap.main(tap.skipped([("all", None)], "ostree is not installed"))
    with tempfile.TemporaryDirectory() as where:
        origin = make(where)
        return tap.main([
            ("the man page", documented),
            ("an initramfs that may not be read", functools.partial(unreadable, origin=origin)),
            ("hostile files", functools.partial(hostile, origin=origin))] + [(name, functools.partial(case, origin=origin, act=act, expected=expected))
                         for name, act, expected in LOADER + DEVICE + INITRAMFS + DEPLOYMENT])


sys.exit(main())
