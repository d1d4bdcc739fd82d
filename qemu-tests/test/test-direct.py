#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of the boot matrix for cells with an initramfs: the machines of a scenario, special
disks, kernels without a boot loader, and actions on a running machine."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

from rig import cells
from rig.disk import corrupt, disk, filesystem, image, loaders, releases
from rig.host import kernels
from rig.vm import actions, machine
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

ABOUT = "[scenario]\nabout = x\ntier = ci\nmachines = %s\n"


def load(folder, scenario, pattern="*"):
    """The cells of a folder with our machines and one scenario, `s`."""
    shutil.copytree(os.path.join(HERE, "machines"), os.path.join(folder, "machines"),
                    dirs_exist_ok=True)
    tap.write_text(folder, "scenarios/s.ini", scenario)
    return cells.load(folder, pattern)


def bindings(work):
    """A scenario and its machines make cells, if they fit each other."""
    both = ABOUT % "x86-bios-grub x86-direct"
    names = [cell["name"] for cell in load(work, both)]
    tap.check(names == ["x86-bios-grub/s", "x86-direct/s"], "a cell for each machine", names)
    names = [cell["name"] for cell in load(work, "[scenario]\nabout = x\ntier = ci\n")]
    tap.check(names == ["x86-bios-grub/s"], "a default machine if the scenario names none", names)
    names = [cell["name"] for cell in load(work, both, "x/y */s")]
    tap.check(len(names) == 2, "a cell must match only one of several patterns", names)
    names = [cell["name"] for cell in load(work, both, "x86-d* x/y")]
    tap.check(names == ["x86-direct/s"], "a pattern chooses cells", names)
    found = load(work, ABOUT % "x86-direct" + "[disk]\nbus = virtio\n")[0]["machine"]
    tap.check((found["disk-name"], found["partition-name"]) == ("vda", "vda%d"),
              "another bus gives the disk another name", found)
    found = load(work, ABOUT % "x86-direct" + "[disk]\nfilesystem = xfs\n[initramfs]\n"
                 "kind = dracut\n")[0]["machine"]["needs"].split()
    tap.check({"mkfs.xfs:xfsprogs", "dracut:dracut-core", "sfdisk:fdisk"} <= set(found),
              "a scenario's needs are added to its machine's", found)
    for name, word, text in (
            ("an unknown machine", "x87", ABOUT % "x86-direct x87"),
            ("no machine at all", "machines", ABOUT % ""),
            ("no tier", "tier", "[scenario]\nabout = x\n"),
            ("roots for a boot loader", "roots", both + "[boot]\nroots = root=/dev/x\n"),
            ("a table that GRUB is not on", "table", both + "[disk]\ntable = mbr\n"),
            ("a late disk with a boot loader", "attach", both + "[disk]\nattach = 3\n"),
            ("a late disk on another bus", "attach", ABOUT % "x86-direct" +
             "[disk]\nattach = 3\nbus = scsi\n"),
            ("an unknown bus", "ide", both + "[disk]\nbus = ide\n"),
            ("an unknown file system", "ntfs", both + "[disk]\nfilesystem = ntfs\n"),
            ("an unknown damage", "rust", both + "[disk]\ndamage = rust\n"),
            ("an unknown initramfs", "mkinitcpio", both + "[initramfs]\nkind = mkinitcpio\n"),
            ("a value that is not a number", "many", both + "[expect]\nswitches = many\n"),
            ("end = typed without typed =", "typed", both + "[boot]\nend = typed\n"
             "[expect]\nconsole = x\n"),
            ("typed = without end = typed", "typed", both + "[boot]\ntyped = exit\n"),
            ("modules without our initramfs", "modules", both + "[initramfs]\nmodules = xfs\n"),
            ("a kernel that needs modules, without our initramfs", "rootstock",
             ABOUT % "riscv64-u-boot"),
            ):
        error = tap.raises(ValueError, load, work, text)
        tap.check(error and word in error, name + " is an error", error)


def blkid(path):
    """Debian's blkid on a file, as {key: value}."""
    return dict(line.split("=", 1) for line in releases.blkid(path).stdout.splitlines())


def damages(work):
    """blkid recognises each damage that we write."""
    part = {"start": 0, "size": 32 * disk.MIB}
    for kind, wanted in (("superblock", None), ("block", "ext4"), ("luks", "crypto_LUKS"),
                         ("lvm", "LVM2_member"), ("raid", "linux_raid_member")):
        path = os.path.join(work, kind)
        subprocess.run(["mkfs.ext4", "-q", path, "32m"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        corrupt.apply(path, part, kind)
        tap.check(blkid(path).get("TYPE") == wanted, "damage: " + kind, blkid(path))
    tap.check(subprocess.run(["dumpe2fs", "-h", os.path.join(work, "raid")], check=False,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0,
              "a member of a RAID1 still has its ext4")


def tables(work):
    """sfdisk reads the partition tables that we write."""
    path = os.path.join(work, "disk.img")
    for table, label, uuid in (("gpt", "gpt", disk.UUID.upper() % 2), ("mbr", "dos", None)):
        disk.create(path, disk.layout([8]), loaders.BIOS_BOOT, table)
        found = json.loads(subprocess.run(["sfdisk", "--json", path], check=True,
                                          stdout=subprocess.PIPE).stdout)["partitiontable"]
        second = found["partitions"][1]
        tap.check(found["label"] == label and second["start"] == 4096 and
                  second.get("uuid") == uuid, f"a disk with {table}", found)
    tap.check(found["id"] == "0x" + disk.MBR, "the signature of an MBR", found)


def fixed(work):
    """blkid finds a read-only file system in its partition."""
    path, source = os.path.join(work, "fixed.img"), os.path.join(work, "source")
    os.makedirs(source)
    tap.write_text(source, "file", "text")
    parts = disk.layout([8])
    for kind in filesystem.FIXED:
        lacks = cells.missing({"needs": cells.NEEDS["filesystem"][kind]})
        if lacks:
            tap.skip(kind + " is in its partition", lacks)
            continue
        cell = {"disk": {"filesystem": kind, "label": "root"}}
        inner = os.path.join(work, kind)
        os.makedirs(inner)
        disk.create(path, parts, loaders.BIOS_BOOT)
        filesystem.fill(path, parts[:1], source, cell, inner, [])
        with open(path, "rb") as image_file, open(inner + "/part", "wb") as out:
            image_file.seek(parts[0]["start"])
            out.write(image_file.read(parts[0]["size"]))
        tap.check(blkid(inner + "/part").get("TYPE") == kind, kind + " is in its partition",
                  blkid(inner + "/part"))


def commands():
    """QEMU's arguments for disks and kernels are right."""
    kind = dict(cells.MACHINE, **{"qemu": "q", "disk-device": "virtio-scsi-pci scsi-hd"})
    words = machine.command(kind, "tcg", "i", [], False)
    tap.check(words[-5:] == ["-device", "virtio-scsi-pci", "-device", "scsi-hd,drive=disk",
                             "-no-reboot"], "the bus of a disk comes before it", words)
    kind["disk-device"] = "nvme,serial=rootstock"
    words = machine.command(kind, "tcg", "i", [], False, "twice")
    serials = [word.split(",")[1] for word in words if word.startswith("nvme")]
    tap.check(len(set(serials)) == 2 and any("snapshot=on" in word for word in words),
              "of two disks one is a temporary copy", words)
    words = machine.command(kind, "tcg", "i", [], False, "3")
    tap.check(not any(word.startswith("nvme") for word in words),
              "a late disk is missing at the start", words)
    options = "a init=/ostree/boot.1/x/0/usr/lib/ostree/ostree-prepare-root ostree=/o init=/mine"
    tap.check(machine.direct("k", "i", options)[-1] == "a ostree=/o init=/mine",
              "with an initramfs, libostree's init= is removed")
    tap.check(machine.direct("k", None, options)[-1] == options,
              "without an initramfs, libostree's init= is kept")
    tap.check(image.then([0, 1, 0], 0, "none") == ["poweroff"] * 2,
              "without a boot loader each boot ends with a power-off")


def reaching(work):
    """The actions attach a disk and type, with a file and a socket in place of the machine."""
    path = os.path.join(work, "qmp")
    with open(path, "w+b", buffering=0) as qmp:
        attach = actions.Attach("nvme,drive=disk", 0)
        attach.start(qmp)
        attach.look(b"", "kernel")
        attach.look(b"", "kernel")
        tap.check(not os.stat(path).st_size, "nothing is attached before an init starts")
        for _ in range(3):
            attach.look(b"", "prepare")
        qmp.seek(0)
        lines = qmp.read().splitlines()
    tap.check(len(lines) == 1 and "device_add nvme,drive=disk" in json.loads(lines[0])[
        "arguments"]["command-line"], "the disk is attached once", lines)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.join(work, "keys"))
        server.listen()
        typist = actions.Typist(os.path.join(work, "keys"), ["one", "two"])
        console = b"[ 1.0] costs $ 5\n"
        typist.look(console, "prepare")
        tap.check(typist.typed == ["one", "two"], "nothing is typed without a prompt")
        for more, left in ((b"/ # ", 1), (b"", 1), (b"one\r\nout\r\n", 1), (b"~ # \x1b[6n", 0)):
            console += more
            typist.look(console, "prepare")
            tap.check(len(typist.typed) == left, f"{left} lines are left after {more}")
        client = server.accept()[0]
        tap.check(client.recv(99) == b"one\rtwo\r" and not typist.typed,
                  "one line is typed at each prompt")
        client.close()
        typist.socket.close()


def kernel_paths(work):
    """The kernel is found in packages of old and new releases."""
    for name, path in (("old", "boot/vmlinuz-5.10-x"), ("new", "usr/lib/modules/7.2-x/vmlinuz")):
        top = os.path.join(work, name)
        tap.write_text(top, path, "")
        kernels.unpacked = lambda _, top=top: [os.path.join(top, "none"), top]
        tap.check(kernels.kernel({"kernel": ""}) == (
            "5.10-x" if name == "old" else "7.2-x", os.path.join(top, path)),
                  f"the kernel in packages of a release that is {name}")
    kernels.unpacked = lambda _: [work]
    tap.check(tap.raises(RuntimeError, kernels.kernel, {"kernel": "k"}), "no kernel is an error")


for part in (bindings, damages, tables, fixed, reaching, kernel_paths):
    with tempfile.TemporaryDirectory() as scratch:
        part(scratch)
commands()
sys.exit(tap.end())
