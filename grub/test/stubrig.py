# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine that starts with grub/stub.cfg: makes disks with menus, and returns the result.

The terminal is the serial line, from which GRUB's messages are read. Time runs fast (-icount), so
the pauses before a fallback and before the restart are short.
"""
import os
import re
import shutil
import subprocess

from testlib import realgrub
from testlib import tools
import sysroot
from testlib.slowness import limit
from testlib.tap import read, write

STUB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../stub.cfg")
# The modules that rootstock-stub.cfg(7) requires, and those for these machines.
MODULES = ("normal configfile test echo sleep reboot search search_fs_file search_fs_uuid "
           "biosdisk btrfs ext2 fat linux serial terminal").split()
TALK = b"serial --unit=0\nterminal_input serial\nterminal_output serial\n"
NOW = b"set timeout=0\n"  # for custom.cfg: no menu is shown
FIRMWARE = "/usr/share/OVMF/OVMF_%s_4M.fd"


def missing():
    for name in ("mformat", "mcopy", "mmd"):
        if not shutil.which(name):
            return "mtools"
    return realgrub.missing()


def missing_for_efi():
    if not os.path.exists(FIRMWARE % "CODE"):
        return "ovmf"
    return None if os.path.exists("/usr/lib/grub/x86_64-efi") else "grub-efi-amd64-bin"


def menu(where, *entries):
    """The generator's menu of (options, kernel) pairs, the newest first."""
    files = {f"ostree-{len(entries) - number}.conf":
             b"title T%d\nlinux %s\noptions %s\n" % (number, kernel, options)
             for number, (options, kernel) in enumerate(entries)}
    out = sysroot.make(where, files)
    status, _, said = sysroot.generate("-o", out)
    assert status == 0, said
    cfg = read(out)
    shutil.rmtree(where)
    return cfg


class Machine:
    def __init__(self, directory, prefix):
        self.grub = realgrub.RealGrub(directory, MODULES, prefix)
        self.kernel = self.grub.kernel

    def run(self, disks, seconds=60):
        """Returns the kernel's command line, or None if the machine has restarted."""
        return start([self.grub.path("loader.img"), *disks], self.grub.path("serial"), seconds,
                     "-icount", "shift=10")


def make_efi(path, prefix):
    os.makedirs(os.path.dirname(path))
    subprocess.run(["grub-mkimage", "-O", "x86_64-efi", "-p", prefix, "-o", path,
                    *(name for name in MODULES if name != "biosdisk")], check=True)


def run_efi(directory, disks):
    shutil.copy(FIRMWARE % "VARS", directory + "/vars")
    return start(disks, directory + "/serial", 120,
                 "-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE % 'CODE'}",
                 "-drive", f"if=pflash,format=raw,file={directory}/vars")


def start(disks, serial, seconds, *more):
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-display", "none",
               "-vga", "std", "-nodefaults", "-no-reboot", "-serial", "file:" + serial,
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4", *more]
    for name in disks:
        command += ["-drive", f"file={name},format=raw,if=ide,snapshot=on"]
    try:
        subprocess.run(command, timeout=limit(seconds), check=False)
    except subprocess.TimeoutExpired as reason:
        raise AssertionError(f"the machine stands still: {read(serial)[-500:]}") from reason
    said = read(serial)
    found = re.search(rb"cmdline:BOOT_IMAGE=\S+ (.*?)[\r\n]+initrd:", said)
    assert found or b"restarts in 10 seconds" in said, said[-500:]
    return found and found[1]


def boot_tree(where, machine, menus, files=None, stub=True):
    """A root file system. menus maps loader, loader.1, ... to a grub.cfg (bytes) or to the target
    of a link (str)."""
    boot = where + "/boot"
    os.makedirs(boot + "/ostree")
    os.symlink(".", boot + "/boot")
    write(boot + "/k", machine.kernel)
    for name, content in menus.items():
        if isinstance(content, str):
            os.symlink(content, f"{boot}/{name}")
        else:
            write(f"{boot}/{name}/grub.cfg", content)
    for name, content in ({"rootstock.cfg": TALK, "custom.cfg": NOW} | (files or {})).items():
        if stub:
            write(f"{boot}/grub/{name}", content)
    if stub:
        shutil.copy(STUB, boot + "/grub/grub.cfg")
    return where


def ext4(tree, image, uuid="random"):
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-U", uuid, "-d", tree, image, "16M"],
                   check=True, stdout=subprocess.DEVNULL)
    return image


def fat(tree, image):
    subprocess.run(["mformat", "-C", "-i", image, "-T", "32768", "-h", "16", "-s", "32", "::"],
                   check=True)
    subprocess.run(["mcopy", "-s", "-i", image,
                    *(os.path.join(tree, name) for name in os.listdir(tree)), "::"], check=True)
    return image


def btrfs(tree, image, uuid, *subvolumes):
    """A btrfs whose first subvolume is the default one; this needs mkfs.btrfs of Debian 13."""
    with open(image, "wb") as file:
        file.truncate(128 << 20)
    subprocess.run([*tools.of_release("trixie", "btrfs-progs", "mkfs.btrfs"), "-q", "-U", uuid, "--rootdir", tree, "--subvol", "default:" + subvolumes[0],
                    *(f"--subvol={name}" for name in subvolumes[1:]), image], check=True)
    return image
