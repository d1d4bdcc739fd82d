#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What rootstock-init takes the bytes of a device for, on small images of file systems, containers
and partition tables that their own tools make. Debian's blkid, which probes for everything at once,
is the judge, and the UUID and label that the tool was told. A container that still has an old file
system in it, or a RAID leg that looks like one, must never come out as that."""

import errno
import os
import shutil
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "../../bls/test"), os.path.join(HERE, "../../qemu-tests")]
sys.dont_write_bytecode = True
import tap
from rig import damage

SHOW = os.path.join(tap.BUILD, "initramfs/test/show-tags")
MIB = 1 << 20
UUID = "5ca1ab1e-1234-4abc-8def-00000000beef"
os.environ["PATH"] += ":/usr/sbin:/sbin"
# Name: (size in MiB, the tool's words with {} for the file, type, UUID or None, label or None).
MADE = {
    "ext2": (4, f"mkfs.ext2 -q -F -L my-root -U {UUID} {{}}", "ext2", UUID, "my-root"),
    "ext3": (4, f"mkfs.ext3 -q -F -L my-root -U {UUID} {{}}", "ext3", UUID, "my-root"),
    "ext4": (4, f"mkfs.ext4 -q -F -L my-root -U {UUID} {{}}", "ext4", UUID, "my-root"),
    "ext4 of 64 bit": (8, f"mkfs.ext4 -q -F -O 64bit,metadata_csum -U {UUID} {{}}", "ext4", UUID,
                       ""),
    "xfs": (320, f"mkfs.xfs -q -f -L my-root -m uuid={UUID} {{}}", "xfs", UUID, "my-root"),
    "btrfs": (128, f"mkfs.btrfs -q -f -L my-root -U {UUID} {{}}", "btrfs", UUID, "my-root"),
    "f2fs": (64, f"mkfs.f2fs -q -f -l my-root -U {UUID} {{}}", "f2fs", UUID, "my-root"),
    "vfat with 12 bits": (1, "mkfs.vfat -F 12 -i 1234ABCD -n MYROOT {}", "vfat", "1234-ABCD",
                          "MYROOT"),
    "vfat with 16 bits": (16, "mkfs.vfat -F 16 -i 1234ABCD -n MYROOT {}", "vfat", "1234-ABCD",
                          "MYROOT"),
    "vfat with 32 bits": (64, "mkfs.vfat -F 32 -i 1234ABCD -n MYROOT {}", "vfat", "1234-ABCD",
                          "MYROOT"),
    "exfat": (8, "mkfs.exfat -L MYROOT {}", "exfat", None, "MYROOT"),
    "ntfs": (8, "mkfs.ntfs -q -F -Q -L my-root {}", "ntfs", None, "my-root"),
    "squashfs": (0, "mksquashfs /usr/share/doc/base-files {} -quiet -no-progress -noappend",
                 "squashfs", None, None),
    "erofs": (0, f"mkfs.erofs -U {UUID} {{}} /usr/share/doc/base-files", "erofs", UUID, None),
    "cramfs": (0, "mkfs.cramfs -n my-root /usr/share/doc/base-files {}", "cramfs", None, "my-root"),
    "romfs": (0, "genromfs -d /usr/share/doc/base-files -V my-root -f {}", "romfs", None,
              "my-root"),
    "iso9660": (0, "genisoimage -quiet -R -V MYROOT -o {} /usr/share/doc/base-files", "iso9660",
                None, "MYROOT"),
    "udf": (8, "mkudffs -l my-root --media-type=hd --blocksize=512 {}", "udf", None, "my-root"),
    "minix 1": (1, "mkfs.minix -1 {}", "minix", None, None),
    "minix 3": (1, "mkfs.minix -3 {}", "minix", None, None),
    "nilfs2": (160, "mkfs.nilfs2 -q -f -L my-root {}", "nilfs2", None, "my-root"),
    "jfs": (20, "mkfs.jfs -q -L my-root {}", "jfs", None, "my-root"),
    "reiserfs": (40, f"mkfs.reiserfs -q -f -f -l my-root -u {UUID} {{}}", "reiserfs", UUID,
                 "my-root"),
    "bfs": (1, "mkfs.bfs {}", "bfs", None, None),
    "swap": (2, f"mkswap -q -L my-swap -U {UUID} {{}}", "swap", UUID, "my-swap"),
    "LUKS 1": (8, "cryptsetup -q --type luks1 --pbkdf-force-iterations 1000 "
               f"--uuid {UUID} luksFormat {{}} /etc/hostname", "crypto_LUKS", UUID, None),
    "LUKS 2": (24, "cryptsetup -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "
               f"--uuid {UUID} luksFormat {{}} /etc/hostname", "crypto_LUKS", UUID, None),
    "bcache": (8, "make-bcache --bdev {}", "bcache", None, None),
}
# What is written over an ext4 by hand, as damage.py of the boot matrix does it.
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


def make(path, size, words):
    """Runs the tool of a file system on an image of that size; 0: the tool makes the file."""
    command = words.format(path).split()
    if not shutil.which(command[0]):
        raise tap.Skip(f"{command[0]} is not installed")
    if size:
        with open(path, "wb") as image:
            image.truncate(size * MIB)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}"


def show(kind, path):
    """The lines of show-tags."""
    return subprocess.run([SHOW, kind, path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split("\n")[:-1]


def blkid(path):
    """What blkid says of an image, {} for nothing."""
    done = subprocess.run(["blkid", "-p", "-o", "export", path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode in (0, 2), done.stderr
    # It escapes what a shell would split.
    return {name: value.replace("\\", "") for name, value in
            (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)}


def agrees(path):
    """Asserts that ours is blkid's answer; returns ours as (type, uuid, label)."""
    error, kind, filesystem, uuid, label = show("partition", path)
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
    return f"{name} is that, as blkid says", test


def is_no_file_system(kind):
    """A test of one of CONTAINERS, beside an ext4 that is still there where the tool leaves it."""
    def test(where):
        path = os.path.join(where, "image")
        make(path, 16, MADE["ext4"][1])
        damage.apply(path, {"start": 0, "size": 16 * MIB}, kind)
        assert agrees(path)[0] == CONTAINERS[kind]
        assert show("partition", path)[2] == "0"
    return f"{kind} over an ext4 is no file system", test


def raid_of_old_format(where):
    """A RAID leg with a superblock of format 0.90, 64 KiB before the end (md_p.h), over an ext4."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 65536)
        image.write(struct.pack("<16I", 0xA92B4EFC, 0, 90, 0, 0, 1, 0, 1, 8192, 2, 2, 0, 0, 2, 3,
                                4).ljust(4096, b"\0"))
    assert agrees(path)[0] == "linux_raid_member"


def drbd(where):
    """A DRBD with its data inside, of 8.4 (user/shared/drbdmeta.c, md_on_disk_08), over an ext4."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 4096)
        image.write(struct.pack(">Q32xQQII", 32000, 0x1234, 0, 0, 0x83740267 + 4))
    assert agrees(path)[0] == "drbd"


def firmware_raid(where):
    """A leg of a firmware's RAID, marked at its end, is found on a disk; partitions are none."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    with open(path, "r+b") as image:
        image.seek(16 * MIB - 1024)
        image.write(b"Intel Raid ISM Cfg Sig. 1.3.00")
    assert show("disk", path)[1:3] == ["isw_raid_member", "0"]
    assert show("partition", path)[1] == "ext4"


def lvm_beside(where):
    """A physical volume that left the old ext4 in place is no file system."""
    path = os.path.join(where, "image")
    make(path, 16, MADE["ext4"][1])
    marks = damage.lvm(16 * MIB)
    with open(path, "r+b") as image:
        image.seek(512)
        image.write(marks[512][:512])
    assert agrees(path)[0] == "LVM2_member"


def zfs(where):
    """A member of a ZFS pool can not be mounted by itself, though blkid calls it a file system."""
    path = os.path.join(where, "image")
    with open(path, "wb") as image:
        image.truncate(64 * MIB)
        # The uberblocks of the first two labels (sys/uberblock_impl.h).
        for number in range(16):
            for label in (0, 256 << 10):
                image.seek(label + (128 << 10) + number * 1024)
                image.write(struct.pack("<5Q", 0x00BAB10C, 5000, 10 + number, 1, 1700000000))
    assert blkid(path).get("TYPE") == "zfs_member"
    assert show("partition", path)[:3] == ["0", "zfs_member", "0"]


def long_label(where):
    """A label too long for us is none, and harms nothing else."""
    path = os.path.join(where, "image")
    make(path, 64, f"mkfs.f2fs -q -f -l {'x' * 400} -U {UUID} {{}}")
    error, kind, filesystem, uuid, label = show("partition", path)
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
    assert show("table", path) == ["0"]


def nothing(where):
    """Zeros, noise, and files that end too early."""
    for name, data in (("zeros", bytes(MIB)), ("noise", bytes(range(1, 255)) * 4096),
                       ("short", b"x" * 100), ("empty", b"")):
        path = os.path.join(where, name)
        tap.write(path, data)
        error, kind, *_ = show("partition", path)
        assert int(error) < 0 and kind == "", f"{name}: {error} {kind}"


def cut(where):
    """A file system whose superblock is gone is nothing; one whose end is gone is still itself."""
    path = os.path.join(where, "image")
    make(path, 8, MADE["ext4"][1])
    os.truncate(path, 2 * MIB)
    assert show("partition", path)[1] == "ext4"
    damage.apply(path, {"start": 0, "size": 2 * MIB}, "superblock")
    assert show("partition", path)[0] == str(-errno.ENODATA)


def two_at_once(where):
    """What is two file systems at once is neither."""
    path, other = os.path.join(where, "image"), os.path.join(where, "other")
    make(path, 128, MADE["ext4"][1])
    make(other, 128, MADE["btrfs"][1])
    with open(other, "rb") as source, open(path, "r+b") as image:
        source.seek(65536)
        image.seek(65536)
        image.write(source.read(4096))
    error, kind, *_ = show("partition", path)
    assert error == str(-errno.ENOTUNIQ) and kind == "", (error, kind)


def label_with_everything(where):
    """A label of all bytes that ext4 takes comes out as it went in."""
    path = os.path.join(where, "image")
    make(path, 4, "mkfs.ext4 -q -F {}")
    with open(path, "r+b") as image:
        image.seek(1024 + 0x78)
        image.write("ä =\\\"/'#".encode().ljust(16, b"\0"))
    assert show("partition", path)[4] == "ä =\\\"/'#"


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
        found = [tuple(line.split()) for line in show("table", path)[:-1]]
        assert found == wanted and len(found) == TABLES[name].count("size="), (
            found, wanted)
    return f"{name}: the PARTUUIDs are partx's", test


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
    [(test.__doc__.split("\n")[0].rstrip("."), test) for test in (
        raid_of_old_format, drbd, firmware_raid, lvm_beside, zfs, long_label, nothing, cut,
        two_at_once, label_with_everything, disk_without_signature, no_table)] + \
    [is_table(name) for name in TABLES]

if __name__ == "__main__":
    sys.exit(tap.main(TESTS))
