# SPDX-License-Identifier: LGPL-2.1-or-later
"""probe: small images of file systems and containers, and what rootstock-init and Debian's blkid
detect on them."""

import os
import shutil
import subprocess

from testlib import tap
from rig.disk import releases

HERE = os.path.dirname(os.path.abspath(__file__))

SHOW = os.path.join(tap.BUILD, "initramfs/test/show-probe")
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


def make(path, size, words):
    """Runs the tool of a file system on an image of this size; with 0 the tool makes the file."""
    command = words.format(path).split()
    if not shutil.which(command[0]):
        raise tap.Skip(f"{command[0]} is not installed")
    if size:
        with open(path, "wb") as image:
            image.truncate(size * MIB)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}"


def show(kind, path, *words):
    """The lines of show-probe."""
    return subprocess.run([SHOW, kind, path, *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split("\n")[:-1]


def blkid(path):
    """What blkid detects on an image: {} for nothing, {"TYPE": ""} for several signatures."""
    done = releases.blkid(path)
    if done.returncode == 8:
        return {"TYPE": ""}
    assert done.returncode in (0, 2), done.stderr
    # blkid escapes characters that are special to a shell.
    return {name: value.replace("\\", "") for name, value in
            (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)}
