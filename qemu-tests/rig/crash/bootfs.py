# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file systems of /boot in the trials: how they are made, and which loaders read them."""

import collections
import os
import re
import subprocess

MIB = 1024 * 1024
SECTOR = 512
# Bytes for the guest's notes after the end of the file system.
NOTES = MIB
EXT4 = "mkfs.ext4 -q -F -O ^metadata_csum_seed,^orphan_file -b "
# `make` is a command that takes the path of an image of `mib` MiB. A small file system has a small
# journal, which is written back often, so that there are more states.
Kind = collections.namedtuple("Kind", "type mib make modules loaders")
KINDS = {
    "ext4-1k": Kind("ext4", 12, EXT4 + "1024", [], ("grub", "uboot")),
    "ext4-4k": Kind("ext4", 12, EXT4 + "4096", [], ("grub", "uboot")),
    "ext4-nojournal": Kind("ext4", 12, EXT4 + "1024 -O ^has_journal", [], ("grub", "uboot")),
    "vfat": Kind("vfat", 12, "mkfs.vfat", ["vfat", "nls_cp437", "nls_ascii"], ("grub", "uboot")),
    "btrfs": Kind("btrfs", 128, "mkfs.btrfs -q", ["btrfs"], ("grub",)),
    "xfs": Kind("xfs", 300, "mkfs.xfs -q -f", ["xfs"], ("grub",)),
}
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"


def make(path, kind):
    """Makes an empty file system of a kind; returns its size."""
    _, mib, command, _, _ = KINDS[kind]
    with open(path, "wb") as image:
        image.truncate(mib * MIB)
    subprocess.run(command.split() + [path], check=True, stdout=subprocess.DEVNULL)
    return mib * MIB


def unread(path, kind):
    """The [first, end) sectors of the journal, which the loaders do not read."""
    if not kind.startswith("ext4"):
        return []
    done = subprocess.run(["debugfs", "-R", "stat <8>", path], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    block = 4096 if kind == "ext4-4k" else 1024
    found = []
    for start, end in re.findall(r"\([0-9-]+\):(\d+)(?:-(\d+))?", done.stdout):
        found.append((int(start) * block // SECTOR, (int(end or start) + 1) * block // SECTOR))
    return found
