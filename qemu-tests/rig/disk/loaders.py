# SPDX-License-Identifier: LGPL-2.1-or-later
"""The boot loaders: what each needs on a disk, and which generator writes its menu.

A machine names one of KINDS. We write GRUB to the disk ourselves, because grub-install needs a
block device; it reads our stub as its grub.cfg. U-Boot is in the machine's firmware and finds our
boot script. Formats: GRUB's grub-core/boot/i386/pc/{boot,diskboot}.S; U-Boot's
doc/develop/distro.rst. """

import glob
import os
import shutil
import struct

from rig.disk import disk
from rig.host import kernels

BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
ESP = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
STUB = os.path.join(os.path.dirname(kernels.HERE), "grub/stub.cfg")
# The modules in GRUB's image. Without grub-install there are no others on the disk.
MODULES = """part_gpt ext2 fat normal configfile linux echo test serial terminal ls cat reboot halt
    search search_fs_file search_fs_uuid sleep true minicmd""".split()
# The offset in GRUB's boot code of the sector at which its image starts.
BOOT_KERNEL_SECTOR = 0x5C
# The name that firmware looks for on a removable disk.
EFI_NAMES = {"x86_64-efi": "BOOTX64.EFI", "arm64-efi": "BOOTAA64.EFI"}


def write(path, text):
    """Writes a text file, and makes its directory."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as out:
        out.write(text)


class Direct:
    """No boot loader: QEMU starts the kernel with the options of an entry. The first partition is
    empty."""

    generator, menu = "ostree-grub-generator", "grub.cfg"
    first, size, bootable = BIOS_BOOT, 1, False

    def __init__(self, machine):
        self.machine = machine

    def sources(self):
        """The files on the host that go onto a disk, in addition to the tree."""
        return []

    def tree(self, build):
        """{path in the tree: file here} of what this loader needs in a tree."""
        del build
        return {}

    def configure(self, boot, cell):
        """Adds files to the directory that will be /boot."""

    def install(self, image, work, cell, part, top):
        """Writes the loader itself to the disk; /boot is the directory `top` of `part`."""


class GrubBios(Direct):
    """GRUB in its own partition and in the gap after the partition table."""

    def folder(self):
        """The folder of GRUB's modules: the host's, or of the package that the machine names."""
        kind = {"grub-bios": "i386-pc", "grub-efi": {"x86_64": "x86_64-efi", "arm64": "arm64-efi"}[
            self.machine["arch"]]}[self.machine["loader"]]
        words = self.machine["grub"].split()
        top = kernels.debs(*words)[0] if words else ""
        return top + "/usr/lib/grub/" + kind

    def sources(self):
        """GRUB's modules, and the stub."""
        return sorted(glob.glob(self.folder() + "/*.[im][mo][gd]")) + [STUB]

    def custom(self, cell):
        """The text of custom.cfg, which our menu reads last: it chooses the entry."""
        return f"set default={cell['boot']['chosen']}\nset timeout={cell['boot']['timeout']}\n"

    def configure(self, boot, cell):
        """Makes the stub GRUB's grub.cfg."""
        os.makedirs(os.path.join(boot, "grub"))
        shutil.copy(STUB, os.path.join(boot, "grub/grub.cfg"))
        write(os.path.join(boot, "grub/custom.cfg"), self.custom(cell))

    def core(self, work, early, prefix, modules):
        """The bytes of GRUB's image, with all its modules."""
        write(os.path.join(work, "early.cfg"), early)
        path = os.path.join(work, "core.img")
        folder = self.folder()
        disk.run(["grub-mkimage", "-O", os.path.basename(folder), "-d", folder, "-o", path, "-c",
                  os.path.join(work, "early.cfg"), "-p", prefix] + MODULES + modules)
        with open(path, "rb") as source:
            return source.read()

    def install(self, image, work, cell, part, top):
        """Writes GRUB's boot code to the first sector and its image to the first partition."""
        prefix = f"(hd0,gpt{part['number']}){top}/grub"
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
            # Keep the partition table of the protective MBR, and the disk signature before it.
            out.seek(0)
            out.write(bytes(boot[:0x1B8]) + mbr[0x1B8:])
            out.seek(disk.MIB)
            out.write(data)


class GrubEfi(GrubBios):
    """GRUB and the stub on an EFI system partition."""

    first, size = ESP, 16

    def configure(self, boot, cell):
        """/boot needs no files: they are on the EFI system partition."""

    def install(self, image, work, cell, part, top):
        """Makes the EFI system partition, a FAT with GRUB, the stub and their settings."""
        esp, home = os.path.join(work, "esp"), os.path.join(work, "esp/EFI/BOOT")
        data = self.core(work, "echo GRUB on EFI\nnormal\n", "/EFI/BOOT", ["efi_gop"] if
                         self.machine["arch"] == "x86_64" else ["fdt"])
        write(os.path.join(home, "rootstock.cfg"),
              f"search --no-floppy --fs-uuid --set=root {part['uuid']}\n")
        write(os.path.join(home, "custom.cfg"), self.custom(cell))
        shutil.copy(STUB, os.path.join(home, "grub.cfg"))
        with open(os.path.join(home, EFI_NAMES[os.path.basename(self.folder())]), "wb") as out:
            out.write(data)
        disk.fill_fat(image, disk.MIB, self.size, esp)


class UBoot(Direct):
    """U-Boot in the firmware; it runs our boot script from /boot, a mkimage image in the tree."""

    generator, menu, bootable = "ostree-uboot-generator", "uEnv.txt", True
    script = "usr/lib/ostree-boot/boot.scr"

    def tree(self, build):
        """The boot script, at the place where an integrator would ship it."""
        return {self.script: os.path.join(build, "boot.scr")}

    def configure(self, boot, cell):
        """Copies the boot script of the first deployment to where U-Boot looks for it."""
        deployed = os.path.join(os.path.dirname(boot), "ostree/deploy",
                                cell["disk"]["stateroots"][0], "deploy")
        first = sorted(name for name in os.listdir(deployed) if not name.endswith(".origin"))[0]
        shutil.copy(os.path.join(deployed, first, self.script), boot)


KINDS = {"none": Direct, "grub-bios": GrubBios, "grub-efi": GrubEfi, "u-boot": UBoot}


def of(machine):
    """The loader of a machine."""
    return KINDS[machine["loader"]](machine)
