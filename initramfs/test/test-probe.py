#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What rootstock-init detects on small images of file systems, containers and partition tables
that their own tools make (test-containers.py nests them). The result must match Debian's blkid,
which probes for everything, and the UUID and label that the tool was given. A container in which an
old file system is left, or a RAID leg that looks like one, must never be detected as a file
system."""

import errno
import os
import re
import shutil
import struct
import subprocess
import sys

import probe
from testlib import tap
from probe import MADE, MIB, UUID, blkid, make, show
from rig.disk import corrupt

# Containers whose marks corrupt.py writes over an ext4.
CONTAINERS = {"luks": "crypto_LUKS", "lvm": "LVM2_member", "raid": "linux_raid_member"}
TABLES = {
    "GPT": "label: gpt\nsize=1M, uuid=11111111-1111-4111-8111-111111111111\n"
           "size=1M, uuid=22222222-2222-4222-8222-22222222abcd\n",
    "MBR": "label: dos\nlabel-id: 0x1a2b3c4d\nsize=1M, type=83\nsize=1M, type=83\n",
    "MBR with logical partitions": "label: dos\nlabel-id: 0x1a2b3c4d\nsize=1M, type=83\n"
                                   "size=5M, type=5\nsize=1M, type=83\nsize=1M, type=83\n",
    "GPT with a gap": "label: gpt\n2: size=1M, uuid=11111111-1111-4111-8111-111111111111\n"
                      "5: size=1M, uuid=22222222-2222-4222-8222-22222222abcd\n",
    "an empty GPT": "label: gpt\n",
}


def agrees(path):
    """Asserts that our result is blkid's; returns it as (type, uuid, label)."""
    error, kind, filesystem, uuid, label = show("read", path)
    theirs = blkid(path)
    assert theirs.get("TYPE"), f"blkid knows nothing: {theirs}"
    ours = {"TYPE": kind, "UUID": uuid, "LABEL": label,
            "filesystem": filesystem == "1"}
    wanted = {name: theirs.get(name, "") for name in ("TYPE", "UUID", "LABEL")}
    wanted["filesystem"] = theirs["USAGE"] == "filesystem"
    assert error == "0" and ours == wanted, f"{error} {ours}, blkid: {wanted}"
    return kind, uuid, label


def is_what_was_made(name):
    """A test of one of MADE."""
    size, words, kind, uuid, label = MADE[name]

    def test(where):
        path = os.path.join(where, "image")
        make(path, size, words)
        found = agrees(path)
        assert found[0] == kind, found
        assert uuid is None or found[1] == uuid, found
        assert label is None or found[2] == label, found
    return f"{name} is detected, as by blkid", test


def is_no_file_system(kind):
    """A test of one of CONTAINERS over an ext4 of which the tool leaves a part."""
    def test(where):
        path = os.path.join(where, "image")
        make(path, 16, MADE["ext4"][1])
        corrupt.apply(path, {"start": 0, "size": 16 * MIB}, kind)
        assert agrees(path)[0] == CONTAINERS[kind]
        assert show("read", path)[2] == "0"
    return f"{kind} over an ext4 is not a file system", test


def raid_of_old_format(where):
    """A RAID superblock of format 0.90, 64 KiB before the end (md_p.h), wins over an ext4."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 65536)
        image.write(struct.pack("<16I", 0xA92B4EFC, 0, 90, 0, 0, 1, 0, 1, 8192, 2, 2, 0, 0, 2, 3,
                                4).ljust(4096, b"\0"))
    assert agrees(path)[0] == "linux_raid_member"


def drbd(where):
    """Internal DRBD metadata of 8.4 (user/shared/drbdmeta.c, md_on_disk_08) wins over an ext4."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 4096)
        image.write(struct.pack(">Q32xQQII", 32000, 0x1234, 0, 0, 0x83740267 + 4))
    assert agrees(path)[0] == "drbd"


def firmware_raid(where):
    """A leg of a firmware RAID, which has its mark at the end, is not a file system."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 1024)
        image.write(b"Intel Raid ISM Cfg Sig. 1.3.00")
    assert agrees(path)[0] == "isw_raid_member"


def lvm_beside(where):
    """An LVM physical volume over an intact ext4 is not a file system."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    marks = corrupt.lvm(16 * MIB)
    with open(path, "r+b") as image:
        image.seek(512)
        image.write(marks[512][:512])
    assert agrees(path)[0] == "LVM2_member"


# The offsets of the 128 KiB of uberblocks in the four labels of a ZFS of this size
# (sys/vdev_impl.h).
ZFS_SIZE = 64 * MIB + 4096
RINGS = [label + (128 << 10) for label in (0, 256 << 10, (64 << 20) - (512 << 10),
                                           (64 << 20) - (256 << 10))]


def write_at(path, places, data):
    """Writes the same bytes at several places of an image."""
    with open(path, "r+b") as image:
        for place in places:
            image.seek(place)
            image.write(data)


def zfs(where):
    """A member of a ZFS pool is detected wherever four of its uberblocks are, and an old ext4 on it
    is not mounted."""
    path = os.path.join(where, "image")
    last = 127 * 1024
    cases = [[ring + number * 1024 for number in range(4)] for ring in RINGS] + [
        RINGS, [ring + last for ring in RINGS], [RINGS[0] + last, RINGS[0], RINGS[2], RINGS[3]]]
    for marks in cases:
        for order in "<>":
            make(path, 64, MADE["ext4"][1])
            os.truncate(path, ZFS_SIZE)
            assert show("read", path)[1] == "ext4"
            write_at(path, marks, struct.pack(order + "5Q", 0x00BAB10C, 5000, 10, 1, 1700000000))
            assert blkid(path) == {"TYPE": ""}, blkid(path)
            assert show("read", path)[0] == str(-errno.ENOTUNIQ), marks
            assert "zfs_member 0" in show("signatures", path)
            assert not any(line.startswith("mount ") for line in
                           show("mount", path, "rootfstype=ext4"))
            write_at(path, [1024], bytes(1024))
            assert blkid(path).get("TYPE") == "zfs_member"
            assert show("read", path)[:3] == ["0", "zfs_member", "0"]


def three_uberblocks(where):
    """Three uberblocks are not enough for a ZFS, as in libblkid."""
    path = os.path.join(where, "image")
    make(path, 64, MADE["ext4"][1])
    os.truncate(path, ZFS_SIZE)
    write_at(path, RINGS[:3], struct.pack("<5Q", 0x00BAB10C, 5000, 10, 1, 1700000000))
    assert agrees(path)[0] == "ext4"


def log_of_xfs(where):
    """An external log of XFS is not a file system, whichever of its sectors has the mark."""
    path = os.path.join(where, "image")
    for sector in (0, 1, 7, 100, 511):
        make(path, 16, MADE["ext4"][1])
        # xlog_rec_header (xfs_log_format.h): magic, cycle, version, len; then fmt.
        write_at(path, [sector * 512], struct.pack(">4I", 0xFEEDBABE, 1, 2, 512).ljust(
            300, b"\0") + struct.pack(">I", 1) + b"U" * 16)
        assert blkid(path) == {"TYPE": ""}, (sector, blkid(path))
        assert show("read", path)[0] == str(-errno.ENOTUNIQ), sector
        write_at(path, [1024], bytes(1024))
        assert blkid(path).get("TYPE") == "xfs_external_log"
        assert show("read", path)[:3] == ["0", "xfs_external_log", "0"]


def reading(kind, path):
    """How many bytes libblkid reads for show-probe, and whether long areas were searched."""
    trace = subprocess.run(["strace", "-e", "trace=read,pread64", probe.SHOW, kind, path], check=True,
                           text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE).stderr
    return (sum(int(size) for size in re.findall(r"^read\(.* = (\d+)$", trace, re.MULTILINE)),
            "pread64(" in trace)


def little_is_read(where):
    """The usual types are detected after reading little, and confirmed without reading much through
    the page cache."""
    path = os.path.join(where, "image")
    for name in ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "squashfs", "erofs",
                 "vfat with 32 bits"):
        if os.path.exists(path):
            os.unlink(path)
        make(path, *MADE[name][:2])
        if os.path.getsize(path) < 2 * MIB:
            os.truncate(path, 2 * MIB)
        assert show("guess", path) == show("read", path), name
        size, areas = reading("guess", path)
        assert size < 20000 and not areas, (name, size, areas)
        size, areas = reading("read", path)
        assert size < 60000 and areas, (name, size, areas)


def long_label(where):
    """A label that is too long is left out, and type and UUID are still found."""
    path = os.path.join(where, "image")
    make(path, 64, f"mkfs.f2fs -q -f -l {'x' * 400} -U {UUID} {{}}")
    error, kind, filesystem, uuid, label = show("read", path)
    assert (error, kind, filesystem, uuid, label) == ("0", "f2fs", "1", UUID, ""), label


def disk_without_signature(where):
    """The partitions of an MBR without a signature have no PARTUUID."""
    path = os.path.join(where, "image")
    with open(path, "wb") as image:
        image.truncate(16 * MIB)
    subprocess.run(["sfdisk", "-q", path], input=TABLES["MBR"], text=True, check=True)
    with open(path, "r+b") as image:
        image.seek(440)
        image.write(bytes(4))
    assert show("table", path) == ["1 - -", "2 - -", "0"]


def nothing(where):
    """On zeros, noise and files that are too short nothing is detected."""
    for name, data in (("zeros", bytes(MIB)), ("noise", bytes(range(1, 255)) * 4096),
                       ("short", b"x" * 100), ("empty", b"")):
        path = os.path.join(where, name)
        tap.write(path, data)
        error, kind, *_ = show("read", path)
        assert int(error) < 0 and kind == "", f"{name}: {error} {kind}"


def cut(where):
    """A file system without its superblock is not detected; one without its end still is."""
    path = os.path.join(where, "image")
    make(path, 8, MADE["ext4"][1])
    os.truncate(path, 2 * MIB)
    assert show("read", path)[1] == "ext4"
    corrupt.apply(path, {"start": 0, "size": 2 * MIB}, "superblock")
    assert show("read", path)[0] == str(-errno.ENODATA)


def two_at_once(where):
    """A device with the signatures of two file systems is detected as neither."""
    path, other = os.path.join(where, "image"), os.path.join(where, "other")
    make(path, 128, MADE["ext4"][1])
    make(other, 128, MADE["btrfs"][1])
    with open(other, "rb") as source, open(path, "r+b") as image:
        source.seek(65536)
        image.seek(65536)
        image.write(source.read(4096))
    error, kind, *_ = show("read", path)
    assert error == str(-errno.ENOTUNIQ) and kind == "", (error, kind)


def label_with_everything(where):
    """A label with special characters is returned unchanged."""
    path = os.path.join(where, "image")
    make(path, 4, "mkfs.ext4 -q -F {}")
    with open(path, "r+b") as image:
        image.seek(1024 + 0x78)
        image.write("ä =\\\"/'#".encode().ljust(16, b"\0"))
    assert show("read", path)[4] == "ä =\\\"/'#"


def is_table(name):
    """A test of one of TABLES."""
    def test(where):
        path = os.path.join(where, "image")
        with open(path, "wb") as image:
            image.truncate(16 * MIB)
        if not shutil.which("sfdisk"):
            raise tap.Skip("sfdisk is not installed")
        subprocess.run(["sfdisk", "-q", path], input=TABLES[name], text=True, check=True)
        listed = subprocess.run(["partx", "-g", "-o", "NR,UUID", "--show", path], text=True,
                                check=True, stdout=subprocess.PIPE).stdout
        wanted = [tuple(line.split()) for line in listed.splitlines() if len(line.split()) == 2]
        found = [tuple(line.split()[:2]) for line in show("table", path)[:-1]]
        assert found == wanted and len(found) == TABLES[name].count("size="), (
            found, wanted)
    return f"{name}: the PARTUUIDs match partx", test


def no_table(where):
    """A file system has no partitions; a table of another kind has no PARTUUID."""
    path = os.path.join(where, "image")
    make(path, 4, MADE["ext4"][1])
    assert show("table", path) == [str(-errno.ENODATA)]
    sun = os.path.join(where, "sun")
    with open(sun, "wb") as image:
        image.truncate(16 * MIB)
    subprocess.run(["sfdisk", "-q", sun], input="label: sun\n", text=True, check=True)
    assert len(show("table", sun)) == 1


TESTS = [is_what_was_made(name) for name in MADE] + \
    [is_no_file_system(kind) for kind in CONTAINERS] + \
    [(" ".join(test.__doc__.split()).rstrip("."), test) for test in (
        raid_of_old_format, drbd, firmware_raid, lvm_beside, zfs, three_uberblocks, log_of_xfs,
        little_is_read, long_label, nothing, cut,
        two_at_once, label_with_everything, disk_without_signature, no_table)] + \
    [is_table(name) for name in TABLES]

if __name__ == "__main__":
    sys.exit(tap.main(TESTS))
