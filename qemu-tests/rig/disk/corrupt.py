# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damages a root partition before a boot. Each function returns {offset: bytes} to write;
containers are written as their own tools would. Layouts: cryptsetup's LUKS1 on-disk format 1.2.3,
lvm2's lib/format_text/layout.h and Linux, include/uapi/linux/raid/md_p.h."""

import struct

from rig.disk import disk

SECTOR = 512


def superblock(_):
    """An ext4 whose superblock is overwritten with zeros."""
    return {1024: bytes(1024)}


def block(_):
    """An ext4 whose superblock is valid except for the number of blocks in a group."""
    return {1024 + 0x20: bytes(4)}


def luks(_):
    """An encrypted volume in place of the file system."""
    header = b"LUKS\xba\xbe" + struct.pack(">H", 1) + b"aes".ljust(32, b"\0") + \
        b"xts-plain64".ljust(32, b"\0") + b"sha256".ljust(32, b"\0") + \
        struct.pack(">II", 4096, 64) + bytes(20 + 32 + 4) + \
        b"5ca1ab1e-0000-4000-8000-0000000000cc".ljust(40, b"\0")
    return {**superblock(None), 0: header}


def lvm_crc(data):
    """CRC-32 with lvm2's initial value."""
    value = 0xF597A6CF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


def lvm(size):
    """A physical volume of LVM in place of the file system."""
    rest = struct.pack("<I", 32) + b"LVM2 001" + b"5ca1ab1e00004000800000000000dddd" + \
        struct.pack("<Q", size)
    rest = rest.ljust(SECTOR - 20, b"\0")
    return {**superblock(None), SECTOR: b"LABELONE" + struct.pack(
        "<QI", 1, lvm_crc(rest)) + rest}


def raid(size):
    """A member of a RAID1 with its superblock at the end. The file system at the start is intact:
    it could be mounted, but a write would make the members differ."""
    sector = (size // SECTOR - 16) & ~7
    header = struct.pack("<IIII16s32sQIIQII", 0xA92B4EFC, 1, 0, 0, bytes(range(16)), b"demo:0",
                         0, 1, 0, sector, 0, 2)
    header = header.ljust(128, b"\0") + struct.pack("<QQQ", 0, sector, sector)
    header = bytearray(header.ljust(256 + 4, b"\0"))
    struct.pack_into("<I", header, 220, 2)  # max_dev: so many entries of two bytes follow the 256
    total = sum(struct.unpack("<65I", header))
    struct.pack_into("<I", header, 216, ((total & 0xFFFFFFFF) + (total >> 32)) & 0xFFFFFFFF)
    return {sector * SECTOR: bytes(header)}


KINDS = {"superblock": superblock, "block": block, "luks": luks, "lvm": lvm, "raid": raid,
         "journal": None}


def apply(image, part, kind):
    """Damages the partition of an image. "journal" is an ext4 that was mounted at a power cut."""
    if kind == "journal":
        disk.debugfs(image, part, "feature needs_recovery")
        return
    with open(image, "r+b") as out:
        for offset, data in KINDS[kind](part["size"]).items():
            out.seek(part["start"] + offset)
            out.write(data)
