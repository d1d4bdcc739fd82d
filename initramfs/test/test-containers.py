#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems and containers on one device: a device is mounted only if it has nothing but one
plain file system. The containers are libblkid's own test images, those that Debian's tools make,
and others written by hand, so that there is one for each name that libblkid knows. The superblocks
of the file systems that roots have are written into each container where it leaves room, and the
other way round. The result must match Debian's blkid, and the wipefs command in the message must
help."""

import ctypes
import functools
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import probe
from testlib import tap
from probe import MADE, MIB, blkid, make, show
from rig.disk import corrupt, releases

# The marks of all these file systems are in this many bytes.
HEAD = 80 << 10
SECTOR = 512
# libblkid does not look for a RAID on a device of a floppy's size.
SMALLEST = 2 * MIB
FILESYSTEMS = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "squashfs", "erofs",
               "vfat with 16 bits", "vfat with 32 bits", "exfat", "ntfs", "iso9660", "udf", "nilfs2",
               "jfs", "minix 3", "romfs", "cramfs")
# The kernel's driver that mountroot.c uses, where its name differs from libblkid's.
DRIVERS = {"ext2": "ext4", "ext3": "ext4", "ntfs": "ntfs3"}


def crc32c(data):
    """CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def stratis(_):
    """Stratis' superblock (stratisd, docs, static header)."""
    body = (b"!Stra0tis\x86\xff\x02^\x41rh" + struct.pack("<Q4x", 4096) + b"a" * 32 + b"b" * 32 +
            struct.pack("<4Q", 8, 8, 0, 1)).ljust(SECTOR - 4, b"\0")
    header = struct.pack("<I", crc32c(body)) + body
    return {SECTOR: header, 9 * SECTOR: header}


def bitlocker(_):
    """A volume of Windows 7 and later, with its metadata at 64 KiB (libbde's description)."""
    return {0: (b"\xeb\x58\x90-FVE-FS-".ljust(176, b"\0") + struct.pack("<Q", 65536)),
            65536: b"-FVE-FS-" + struct.pack("<HH", 64, 2)}


# Name: a function that returns {offset: bytes} for the size of the image.
BY_HAND = {
    "BitLocker": bitlocker,
    "stratis": stratis,
    "LVM1_member": lambda _: {0: b"HM" + struct.pack("<H", 1).ljust(40, b"\0") + b"u" * 32},
    # Linux, drivers/md/dm-snap-persistent.c and dm-integrity.c.
    "DM_snapshot_cow": lambda _: {0: b"SnAp" + struct.pack("<3I", 1, 1, 8)},
    "DM_integrity": lambda _: {0: b"integrt\0" + struct.pack("<bbHI", 1, 15, 4, 88)},
    "linux_raid_member": corrupt.raid,
    "linux_raid_member 0.90": lambda size: {(size & ~65535) - 65536: struct.pack(
        "<16I", 0xA92B4EFC, 0, 90, 0, 0, 1, 0, 1, 8192, 2, 2, 0, 0, 2, 3, 4).ljust(4096, b"\0")},
    "drbd inside": lambda size: {size - 4096: struct.pack(
        ">Q32xQQII", 32000, 0x1234, 0, 0, 0x83740267 + 4)},
    "LUKS by its second header": None,
}
BY_TOOLS = {
    "LUKS 1": MADE["LUKS 1"][:2],
    "LUKS 2": MADE["LUKS 2"][:2],
    "bcache": MADE["bcache"][:2],
    "bcache's cache": (64, "make-bcache -C {}"),
    "swap": MADE["swap"][:2],
    "DM_verity_hash": (2, "veritysetup format /bin/sh {}"),
}


WHERE = tempfile.TemporaryDirectory()


def sources():
    """libblkid's own images, {name: path of the .xz}."""
    debs = os.path.join(probe.HERE, "../../build-aux/debs")
    done = subprocess.run([debs, "bookworm", "source", "util-linux"], text=True, check=False,
                          stdout=subprocess.PIPE)
    if done.returncode:
        raise tap.Skip("the source of util-linux cannot be had")
    folder = os.path.join(done.stdout.strip(), "tests/ts/blkid/images-fs")
    return {name[:-len(".img.xz")]: os.path.join(folder, name)
            for name in sorted(os.listdir(folder))
            # None of these sixty is a container.
            if name.endswith(".img.xz") and not name.startswith(("fat", "iso-", "udf-"))}


def put(path, places):
    """Writes {offset: bytes} into an image."""
    with open(path, "r+b") as image:
        for offset, data in places.items():
            image.seek(offset)
            image.write(data)


def sectors(path, limit=None):
    """{number: bytes} of the sectors that are not empty; holes are skipped."""
    found = {}
    with open(path, "rb") as image:
        end = min(os.path.getsize(path), limit or sys.maxsize)
        offset = 0
        while offset < end:
            try:
                offset = os.lseek(image.fileno(), offset, os.SEEK_DATA) // SECTOR * SECTOR
            except OSError:
                break
            stop = min(os.lseek(image.fileno(), offset, os.SEEK_HOLE), end)
            while offset < stop:
                data = os.pread(image.fileno(), min(SECTOR, stop - offset), offset)
                if data.strip(b"\0"):
                    found[offset // SECTOR] = data
                offset += SECTOR
    return found


def enlarge(path):
    """Enlarges a tiny image, unless that changes what blkid detects."""
    size, kind = os.path.getsize(path), blkid(path).get("TYPE")
    if size < SMALLEST:
        os.truncate(path, SMALLEST)
        if blkid(path).get("TYPE") != kind:
            os.truncate(path, size)


def containers(where):
    """{name: path} of all images that blkid does not detect as a plain file system."""
    found = {}
    for name, source in sources().items():
        path = found[name] = os.path.join(where, "c-" + name)
        with open(path, "wb") as image:  # xz makes holes of zeros
            subprocess.run(["xz", "-dc", source], stdout=image, check=True)
    for name, words in BY_TOOLS.items():
        path = found[name] = os.path.join(where, "c-" + name.replace(" ", "-"))
        make(path, *words)
    for name, places in BY_HAND.items():
        path = found[name] = os.path.join(where, "c-" + name.replace(" ", "-"))
        if places:
            tap.write(path, b"")
            os.truncate(path, 16 * MIB)
            put(path, places(16 * MIB))
        else:
            make(path, *MADE["LUKS 2"][:2])
            put(path, {0: bytes(4096)})
    for name, path in list(found.items()):
        told = blkid(path)
        assert told.get("TYPE"), f"{name} is nothing for blkid: {told}"
        if is_plain(told):
            del found[name]
            os.unlink(path)
        else:
            enlarge(path)
    return found


@functools.cache
def shared():
    """The containers, made once."""
    return containers(WHERE.name)


def is_plain(told):
    """Whether blkid detects one file system that is not a member of a pool."""
    return told.get("USAGE") == "filesystem" and not told["TYPE"].endswith("_member")


def heads(where):
    """{name: sectors} of the first HEAD bytes of the file systems."""
    found = {}
    for name in FILESYSTEMS:
        path = os.path.join(where, "f")
        make(path, *MADE[name][:2])
        found[name] = sectors(path, HEAD)
        os.unlink(path)
    return found


def mounts(path, words):
    """The types as which rootstock-init would mount an image, and the message."""
    said = show("mount", path, words)
    return [line.split()[1] for line in said if line.startswith("mount ")], said[-1]


def judge(path, name, judged):
    """Compares our result with blkid's for an image with a container and a file system."""
    told, kind = blkid(path), MADE[name][2]
    plain, sentence = mounts(path, "")
    insisted, _ = mounts(path, "rw rootfstype=" + kind)
    if is_plain(told):
        driver = DRIVERS.get(told["TYPE"], told["TYPE"])
        assert plain == [driver], (plain, told)
        return
    assert not plain, (name, plain, told)
    # Each may have destroyed the other. If nothing is detected, rootfstype= may still try.
    if told:
        assert not insisted, (name, insisted, told)
        assert told["TYPE"] in sentence, (sentence, told)
        judged.append((told["TYPE"], name))


def both_ways(where):
    """A device with a container and a file system is never mounted, whichever was written last."""
    inside, counts = heads(where), {}
    for container, path in shared().items():
        judged, marks = [], sectors(path)
        for name, head in inside.items():
            for above, below in ((marks, head), (head, marks)):
                image = os.path.join(where, "image")
                with open(image, "wb") as file:
                    file.truncate(os.path.getsize(path))
                put(image, {number * SECTOR: data for part in (below, above)
                            for number, data in part.items()
                            if (number + 1) * SECTOR <= os.path.getsize(path)})
                judge(image, name, judged)
        # At least both ways with ext4, which does not use the first 1024 bytes.
        assert len(judged) >= 2, (container, judged)
        counts[container] = len(judged)
    print("# " + ", ".join(f"{name}: {count}" for name, count in counts.items()))
    assert len(counts) >= 38 and sum(counts.values()) >= 900, counts


def all_names(where):
    """There is a container for each name that libblkid knows."""
    library = ctypes.CDLL(releases.util_linux("blkid")[1]["LD_LIBRARY_PATH"] + "/libblkid.so.1")
    name, usage, known, number = ctypes.c_char_p(), ctypes.c_int(), set(), 0
    while library.blkid_superblocks_get_name(number, ctypes.byref(name),
                                             ctypes.byref(usage)) == 0:
        number += 1
        # BLKID_USAGE_RAID, CRYPTO and OTHER.
        if usage.value & (4 | 8 | 16) or name.value.endswith(b"_member"):
            known.add(name.value.decode())
    made = {blkid(path)["TYPE"] for path in shared().values()}
    assert known and known <= made, known - made


def remedy(where):
    """If a container is a leftover, the command in the message makes the ext4 usable again."""
    head, tried = heads(where)["ext4"], 0
    for container, path in shared().items():
        marks = sectors(path)
        if any(number in marks for number in (2, 3)):
            continue
        image = os.path.join(where, "image")
        shutil.copy(path, image)
        put(image, {number * SECTOR: data for number, data in head.items()
                    if number not in marks and (number + 1) * SECTOR <= os.path.getsize(path)})
        sentence = mounts(image, "")[1]
        command = re.search(r"(wipefs --all --types \S+) /dev/image", sentence)
        assert command, (container, sentence)
        wipefs, environment = releases.util_linux("wipefs")
        subprocess.run([wipefs] + command.group(1).split()[1:] + [image], check=True,
                       stdout=subprocess.DEVNULL, env=environment)
        assert mounts(image, "")[0] == ["ext4"], (container, sentence, blkid(image))
        tried += 1
    assert tried >= 20, tried


TESTS = [(test.__doc__.split("\n")[0].rstrip("."), test) for test in (
    both_ways, all_names, remedy)]

if __name__ == "__main__":
    with WHERE:
        STATUS = tap.main(TESTS)
    sys.exit(STATUS)
