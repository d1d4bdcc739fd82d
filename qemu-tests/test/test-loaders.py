#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine's architecture and boot loader need: firmware, libraries, and the loader's parts
of the disk. The judges are ldd, sfdisk and mtools."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

from rig import cells
from rig.disk import disk, loaders
from rig.host import arch, firmware
from rig.vm import machine
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def machine_of(name):
    """A machine of the matrix."""
    return cells.machine(os.path.join(HERE, f"machines/{name}.ini"))


def patches(work):
    """Settings in a firmware are overwritten; a wrong patch is an error."""
    path = os.path.join(work, "rom")
    with open(path, "wb") as out:
        out.write(b"\0delay=2\0targets=usb virtio\0delay=2\0")
    os.environ["XDG_CACHE_HOME"] = work
    with open(firmware.patched(path, "delay=2|delay=0\ntargets=usb virtio|targets=nvme"),
              "rb") as source:
        data = source.read()
    tap.check(data == b"\0delay=0\0targets=nvme      \0delay=0\0",
              "new settings have the length of the old ones", data)
    for patch in ("delay=3|delay=0", "delay=2|delay=10", "target|tar"):
        tap.check(tap.raises(RuntimeError, firmware.patched, path, patch),
                  f"the patch {patch} is an error")
    with open(path, "wb") as out:
        out.write(struct.pack("<6I", 0, 0x17800000, 0, 0, 0, 0x177ff400).ljust(0xc00) + b"code")
    kind = dict(cells.MACHINE, **{"bios": path, "bios-address": "0x17800000"})
    image = firmware.words(kind)[1].split("file=")[1].split(",")[0]
    with open(image, "rb") as source:
        tap.check(source.read() == b"code", "an i.MX image loses its header")
    kind = dict(cells.MACHINE, bios=path)
    tap.check(firmware.words(kind) == ["-bios", path] and
              firmware.words(dict(kind, **{"bios-option": "-kernel"})) == ["-kernel", path] and
              firmware.words(dict(kind, bios="")) == [], "QEMU's arguments for a firmware")
    del os.environ["XDG_CACHE_HOME"]


def libraries():
    """All libraries of a program are found, with their paths in a tree."""
    program = shutil.which("ostree")
    if not program:
        tap.skip("a program's libraries", "ostree is not installed")
        return
    said = subprocess.run(["ldd", program], check=True, text=True, stdout=subprocess.PIPE).stdout
    wanted = {os.path.realpath(path) for path in re.findall(r"(/\S+) \(0x", said)}
    found = arch.libraries(arch.HOST, [""], program)
    tap.check({os.path.realpath(path) for path in found.values()} == wanted and
              all(name.startswith("usr/lib") for name in found), "a program's libraries", found)
    tap.check("libnothing" in (tap.raises(RuntimeError, arch.find, ["/nowhere"], "/libnothing.so")
                               or ""), "a missing library is named")


def ports():
    """QEMU's arguments for console and report are right, also on a board with one serial port."""
    kind = dict(cells.MACHINE, **{"qemu": "q", "disk-device": "d"})
    tap.check(machine.ports(kind, "stdio") == ["-serial", "stdio", "-serial", "chardev:report"],
              "the report is the second serial port")
    kind["report-first"] = "yes"
    tap.check(machine.ports(kind, "stdio") == ["-serial", "chardev:report", "-serial", "stdio"],
              "the console is the second serial port")
    kind.update({"report-first": "no", "report-device": "pci-serial"})
    tap.check(machine.ports(kind, "stdio") == ["-serial", "stdio", "-device",
                                               "pci-serial,chardev=report"],
              "the report is a device")


def entries(work):
    """Only machines whose loader the guest can control may boot different entries."""
    path = os.path.join(work, "a.ini")
    with open(path, "w", encoding="ascii") as out:
        out.write("[scenario]\nabout = x\n[boot]\nentries = 0 1\n")
    for name, fine in (("x86-bios-grub", True), ("x86-direct", True), ("arm64-u-boot", False),
                       ("x86-efi-grub", False)):
        error = tap.raises(ValueError, cells.cell,
                           os.path.join(HERE, f"machines/{name}.ini"), path)
        tap.check(fine == (error is None), "two entries on " + name, error)


def system_partition(work):
    """The EFI system partition has GRUB, the stub and the UUID of /boot."""
    kind = machine_of("x86-efi-grub")
    if cells.missing(kind):
        tap.skip("the EFI system partition", cells.missing(kind))
        return
    loader, path = loaders.of(kind), os.path.join(work, "efi.img")
    parts = disk.layout([8], loader.size)
    disk.create(path, parts, loader.first)
    cell = {"boot": {"chosen": 1, "timeout": "0"}}
    loader.install(path, work, cell, parts[0], "/boot")
    where = f"{path}@@{disk.MIB}"
    names = subprocess.run(["mdir", "-b", "-i", where, "::/EFI/BOOT"], check=True, text=True,
                           stdout=subprocess.PIPE).stdout.upper().split()
    tap.check(sorted(name.rsplit("/", 1)[1] for name in names) == [
        "BOOTX64.EFI", "CUSTOM.CFG", "GRUB.CFG", "ROOTSTOCK.CFG"],
        "the EFI system partition has all files", names)
    text = subprocess.run(["mtype", "-i", where, "::/EFI/BOOT/rootstock.cfg"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    tap.check(parts[0]["uuid"] in text, "rootstock.cfg has the UUID of /boot", text)


def bootable(work):
    """sfdisk shows that the partition for U-Boot is marked as bootable."""
    path, parts = os.path.join(work, "u.img"), disk.layout([8, 8])
    disk.create(path, parts, loaders.BIOS_BOOT, "gpt", parts[1])
    found = json.loads(subprocess.run(["sfdisk", "--json", path], check=True,
                                      stdout=subprocess.PIPE).stdout)["partitiontable"]
    tap.check(["attrs" in part for part in found["partitions"]] == [False, False, True] and
              found["partitions"][2]["attrs"] == "LegacyBIOSBootable", "the bootable partition",
              found)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        patches(scratch)
        libraries()
        ports()
        entries(scratch)
        system_partition(scratch)
        bootable(scratch)
    sys.exit(tap.end())
