# SPDX-License-Identifier: LGPL-2.1-or-later
"""The boot loaders: what each wants on a disk, and who writes its menu.

A machine names one of KINDS. GRUB is put on the disk by hand, since grub-install wants a block
device, and reads our stub as its grub.cfg; U-Boot is in the machine's firmware and finds our boot
script. Formats: GRUB's grub-core/boot/i386/pc/{boot,diskboot}.S; U-Boot's doc/develop/distro.rst.
"""

import glob
import os
import shutil
import struct

from rig.disk import disk
from rig.host import kernels

BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
STUB = os.path.join(os.path.dirname(kernels.HERE), "grub/stub.cfg")
# What GRUB's image must bring along, because there is no grub-install to put modules beside it.
MODULES = """part_gpt ext2 fat normal configfile linux echo test serial terminal ls cat reboot halt
    search search_fs_file search_fs_uuid sleep true minicmd""".split()
# Where patches go in GRUB's boot code.
BOOT_KERNEL_SECTOR = 0x5C
# The name that firmware looks for on a removable disk.
EFI_NAMES = {"x86_64-efi": "BOOTX64.EFI", "arm64-efi": "BOOTAA64.EFI"}


def write(path, text):
    """A file with a text, and its directory."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


class Direct:
    """No boot loader: QEMU starts the kernel with the options of an entry. The first partition is
    as useless as it is on a disk that was made for another machine."""

    generator, menu = "ostree-grub-generator", "grub.cfg"
    first, size, bootable = BIOS_BOOT, 1, False

    def __init__(self, machine):
        self.machine = machine

    def sources(self):
        """The files here that go onto a disk, besides the tree."""
        return []

    def tree(self, build):
        """{path in the tree: file here} of what a tree must have for this loader."""
        del build
        return {}

    def configure(self, boot, cell):
        """Adds files to the directory that will be /boot."""

    def install(self, image, work, cell, part, top):
        """Puts the loader itself on the disk; /boot is the directory `top` of the partition."""


class GrubBios(Direct):
    """GRUB in its own partition and in the gap after the partition table."""

    def folder(self):
        """Where GRUB's modules are: Debian's of this release, or of another one."""
        kind = {"grub-bios": "i386-pc", "grub-efi": {"x86_64": "x86_64-efi", "arm64": "arm64-efi"}[
            self.machine["arch"]]}[self.machine["loader"]]
        words = self.machine["grub"].split()
        top = kernels.debs(*words)[0] if words else ""
        return top + "/usr/lib/grub/" + kind

    def sources(self):
        """GRUB's modules, and the stub."""
        return sorted(glob.glob(self.folder() + "/*.[im][mo][gd]")) + [STUB]

    def custom(self, cell):
        """The file that has the last word in our menu: it chooses the entry."""
        return "set default=%d\nset timeout=%s\n" % (cell["boot"]["chosen"],
                                                     cell["boot"]["timeout"])

    def configure(self, boot, cell):
        """The stub is GRUB's own grub.cfg."""
        os.makedirs(os.path.join(boot, "grub"))
        shutil.copy(STUB, os.path.join(boot, "grub/grub.cfg"))
        write(os.path.join(boot, "grub/custom.cfg"), self.custom(cell))

    def core(self, work, early, prefix, modules):
        """GRUB's image with all its modules, as bytes."""
        write(os.path.join(work, "early.cfg"), early)
        path = os.path.join(work, "core.img")
        folder = self.folder()
        disk.run(["grub-mkimage", "-O", os.path.basename(folder), "-d", folder, "-o", path, "-c",
                  os.path.join(work, "early.cfg"), "-p", prefix] + MODULES + modules)
        with open(path, "rb") as source:
            return source.read()

    def install(self, image, work, cell, part, top):
        """GRUB's boot code in the first sector, its image in the first partition."""
        prefix = "(hd0,gpt%d)%s/grub" % (part["number"], top)
        data = bytearray(self.core(work, """serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
echo GRUB on BIOS, reading %s
set root=hd0,gpt%d
set prefix=%s
normal
""" % (prefix, part["number"], prefix), prefix, ["biosdisk"]))
        with open(self.folder() + "/boot.img", "rb") as source:
            boot = bytearray(source.read(disk.SECTOR))
        first = disk.MIB // disk.SECTOR
        struct.pack_into("<Q", boot, BOOT_KERNEL_SECTOR, first)
        # The block list at the end of core.img's first sector says where the others are.
        _, _, segment = struct.unpack_from("<QHH", data, disk.SECTOR - 12)
        struct.pack_into("<QHH", data, disk.SECTOR - 12, first + 1,
                         (len(data) - 1) // disk.SECTOR, segment)
        with open(image, "r+b") as out:
            mbr = out.read(disk.SECTOR)
            # The table of the protective MBR, and the disk's signature before it, stay.
            out.seek(0)
            out.write(bytes(boot[:0x1B8]) + mbr[0x1B8:])
            out.seek(disk.MIB)
            out.write(data)


class GrubEfi(GrubBios):
    """GRUB on an EFI system partition, with the stub beside it."""

    first, size = ESP, 16

    def configure(self, boot, cell):
        """Nothing in /boot."""

    def install(self, image, work, cell, part, top):
        """Makes the system partition, a FAT with GRUB, its stub and its settings."""
        esp, home = os.path.join(work, "esp"), os.path.join(work, "esp/EFI/BOOT")
        data = self.core(work, "echo GRUB on EFI\nnormal\n", "/EFI/BOOT", ["efi_gop"] if
                         self.machine["arch"] == "x86_64" else ["fdt"])
        write(os.path.join(home, "rootstock.cfg"),
              "search --no-floppy --fs-uuid --set=root %s\n" % part["uuid"])
        write(os.path.join(home, "custom.cfg"), self.custom(cell))
        shutil.copy(STUB, os.path.join(home, "grub.cfg"))
        with open(os.path.join(home, EFI_NAMES[os.path.basename(self.folder())]), "wb") as out:
            out.write(data)
        disk.fill_fat(image, disk.MIB, self.size, esp)


class UBoot(Direct):
    """U-Boot in the firmware, with our boot script, as an image of mkimage, from the tree."""

    generator, menu, bootable = "ostree-uboot-generator", "uEnv.txt", True
    script = "usr/lib/ostree-boot/boot.scr"

    def tree(self, build):
        """The script is in the tree, where an integrator would ship it."""
        return {self.script: os.path.join(build, "boot.scr")}

    def configure(self, boot, cell):
        """Copies the script of the first deployment to where U-Boot looks."""
        deployed = os.path.join(os.path.dirname(boot), "ostree/deploy",
                                cell["disk"]["stateroots"][0], "deploy")
        first = sorted(name for name in os.listdir(deployed) if not name.endswith(".origin"))[0]
        shutil.copy(os.path.join(deployed, first, self.script), boot)


KINDS = {"none": Direct, "grub-bios": GrubBios, "grub-efi": GrubEfi, "u-boot": UBoot}


def of(machine):
    """The loader of a machine."""
    return KINDS[machine["loader"]](machine)
