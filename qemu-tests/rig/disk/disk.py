# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disk images, made by an ordinary user: no loop device, no mount, no root.

mkfs.ext4 -d writes each file system directly to its offset in the image.
"""

import os
import re
import struct
import subprocess
import threading

SECTOR = 512
MIB = 1024 * 1024
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# The disk signature in an MBR, and the start of all UUIDs in a GPT.
MBR = "5ca1ab1e"
UUID = MBR + "-0000-4000-8000-%012x"
EXT4_MAGIC = 0xEF53
EXT4_NEEDS_RECOVERY = 0x4
EXT4_CLEAN = 0x1
# Debian has mkfs.ext4 and similar tools in folders that an ordinary user's PATH lacks.
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

# Set to end the run: then run() starts no tool and machine.watch() kills its machine.
stop = threading.Event()


def as_root():
    """A prefix for commands that must see our files as owned by root; [] if we are root."""
    return [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]


def run(command, **options):
    """Runs a tool as root or in a user namespace; returns its output, which an error has too."""
    if stop.is_set():
        raise RuntimeError("stopped")
    done = subprocess.run(
        as_root() + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", stdin=options.pop("stdin", None) or subprocess.DEVNULL, check=False,
        **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def layout(sizes, first=1):
    """The partitions [{number, start, size, uuid}] for sizes in MiB. They follow the loader's
    partition of `first` MiB."""
    start, parts = (1 + first) * MIB, []
    for number, size in enumerate(sizes, 2):
        parts.append({"number": number, "start": start, "size": size * MIB,
                      "uuid": UUID % number})
        start += size * MIB
    return parts


def create(path, parts, first, table="gpt", bootable=None):
    """Makes a sparse disk with a GPT: a partition of the type `first`, then `parts`, one of which
    may be bootable. With table="mbr" it is an MBR whose first partition is unused. With
    table="backup" the first two sectors of the GPT are zeros: the protective MBR and the header."""
    size = parts[0]["start"] // SECTOR - 2048
    with open(path, "wb") as disk:
        disk.truncate(parts[-1]["start"] + parts[-1]["size"] + MIB)
    if table == "mbr":
        lines = ["label: dos", "label-id: 0x" + MBR, f"start=2048, size={size}, type=da"]
    else:
        lines = ["label: gpt", "label-id: " + UUID % 0xd15c,
                 "start=2048, size=%d, type=%s, uuid=%s" % (size, first, UUID % 1)]
    for part in parts:
        line = "start=%d, size=%d, type=%s" % (part["start"] // SECTOR, part["size"] // SECTOR,
                                               "83" if table == "mbr" else LINUX)
        if table != "mbr":
            line += f", uuid={part['uuid']}, name=part-{part['number']}"
        lines.append(line + (", attrs=LegacyBIOSBootable" if part is bootable else ""))
    subprocess.run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path],
                   input="\n".join(lines) + "\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)
    if table == "backup":
        with open(path, "r+b") as disk:
            disk.write(bytes(2 * SECTOR))


def fill(path, part, directory, label):
    """Makes an ext4 in the partition with the contents of `directory`.

    GRUB 2.06 cannot read two newer features of ext4, which some distributions enable by default. By
    default such a small file system would have blocks of 1 KiB, which are slow and unlike a device.
    """
    run(["mkfs.ext4", "-q", "-F", "-L", label, "-U", part["uuid"], "-d", directory, "-m", "0",
         "-b", "4096", "-O", "^metadata_csum_seed,^orphan_file", "-E",
         f"offset={part['start']},lazy_journal_init=1", path, f"{part['size'] // 1024}k"])


def debugfs(path, part, *requests):
    """Runs debugfs requests on the partition, which may write; returns their output."""
    done = subprocess.run(
        ["debugfs", "-w", "-f", "-", f"{path}?offset={part['start']}"], check=True,
        input="\n".join(requests) + "\n", text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    return done.stdout


def make_immutable(path, part, names):
    """Sets the immutable flag that `ostree admin deploy` sets on a deployment's root directory.

    mkfs.ext4 -d does not copy this flag (0x10). A directory of ext4 also has the one for extents
    (0x80000).
    """
    debugfs(path, part, *[f"set_inode_field {name} flags 0x80010" for name in names])


def names_in(path, part, directory):
    """The sorted names in a directory of the partition, read by debugfs."""
    listed = debugfs(path, part, f"ls -p {directory}")
    names = re.findall(r"^/\d+/\d*/\d*/\d*/([^/]*)/", listed, re.MULTILINE)
    return sorted(set(names) - {".", "..", ""})


def fill_fat(path, start, mebibytes, directory):
    """Makes a FAT in the image, `start` bytes into it, with the contents of `directory`."""
    run(["mkfs.vfat", "-n", "ESP", f"--offset={start // SECTOR}", path,
         str(mebibytes * MIB // 1024)])
    run(["mcopy", "-s", "-i", f"{path}@@{start}"] +
        [os.path.join(directory, name) for name in os.listdir(directory)] + ["::"])


def superblock_state(path, part):
    """(clean, needs_recovery) of the ext4 in the partition, from its superblock."""
    with open(path, "rb") as disk:
        disk.seek(part["start"] + 1024)
        block = disk.read(1024)
    magic, state = struct.unpack_from("<HH", block, 0x38)
    incompat = struct.unpack_from("<I", block, 0x60)[0]
    if magic != EXT4_MAGIC:
        raise RuntimeError(f"{path}: no ext4 at byte {part['start']}")
    return state == EXT4_CLEAN, bool(incompat & EXT4_NEEDS_RECOVERY)


def check_ext4(path, part):
    """The complaints of e2fsck about the file system; '' if it finds no error."""
    done = subprocess.run(["e2fsck", "-f", "-n", f"{path}?offset={part['start']}"], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if done.returncode == 0 else done.stdout.strip()
