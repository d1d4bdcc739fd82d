# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disk images as an ordinary user makes them: no loop device, no mount, no root.

The file systems come from mkfs.ext4 -d, straight at their offset in the file. GRUB for BIOS is put
there by hand, since grub-install wants a block device. Formats: the boot code is described in the
sources of GRUB, grub-core/boot/i386/pc/{boot,diskboot}.S.
"""

import os
import re
import struct
import subprocess
import threading

SECTOR = 512
MIB = 1024 * 1024
GRUB = "/usr/lib/grub/i386-pc"
BIOS_BOOT = "21686148-6449-6E6F-744E-656564454649"
LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
# The signature of a disk with an MBR, and the first words of all that is in a GPT.
MBR = "5ca1ab1e"
UUID = MBR + "-0000-4000-8000-%012x"
# What core.img must bring along, because there is no grub-install to put modules beside it.
MODULES = """biosdisk part_gpt ext2 normal configfile linux echo test serial terminal ls cat reboot
    halt search sleep true minicmd""".split()
# Where patches go in GRUB's boot code.
BOOT_KERNEL_SECTOR = 0x5C
EXT4_MAGIC = 0xEF53
EXT4_NEEDS_RECOVERY = 0x4
EXT4_CLEAN = 0x1
# Where Debian keeps mkfs.ext4 and its like, which an ordinary user's PATH does not name.
os.environ["PATH"] = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"

# Set when the whole run is to end: run() then starts no tool, machine.watch() kills its machine.
stop = threading.Event()


def as_root():
    """What stands before a command that must see its files as root's; nothing where we are root."""
    return [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]


def run(command, **options):
    """Runs a tool quietly as root or in a user namespace; a failure carries all that it printed."""
    if stop.is_set():
        raise RuntimeError("stopped")
    done = subprocess.run(
        as_root() + command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", stdin=options.pop("stdin", None) or subprocess.DEVNULL, check=False,
        **options)
    if done.returncode:
        raise RuntimeError("%s: status %d\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


def layout(sizes):
    """The partitions [{number, start, size, uuid}] for the sizes in MiB, after GRUB's own MiB."""
    start, parts = 2 * MIB, []
    for number, size in enumerate(sizes, 2):
        parts.append({"number": number, "start": start, "size": size * MIB,
                      "uuid": UUID % number})
        start += size * MIB
    return parts


def create(path, parts, table="gpt"):
    """A sparse disk with a GPT: a BIOS boot partition, then `parts`; or with an MBR, in which the
    first partition is as useless as the other one is without GRUB."""
    with open(path, "wb") as disk:
        disk.truncate(parts[-1]["start"] + parts[-1]["size"] + MIB)
    if table == "mbr":
        lines = ["label: dos", "label-id: 0x" + MBR, "start=2048, size=2048, type=da"]
        kind, more = "83", ""
    else:
        lines = ["label: gpt", "label-id: " + UUID % 0xd15c,
                 "start=2048, size=2048, type=%s, uuid=%s" % (BIOS_BOOT, UUID % 1)]
        kind, more = LINUX, ", uuid=%s, name=part-%d"
    for part in parts:
        lines.append("start=%d, size=%d, type=%s" % (
            part["start"] // SECTOR, part["size"] // SECTOR, kind) +
            (more and more % (part["uuid"], part["number"])))
    subprocess.run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", path],
                   input="\n".join(lines) + "\n", text=True, check=True,
                   stdout=subprocess.DEVNULL)


def fill(path, part, directory, label):
    """Makes an ext4 in the partition with the contents of `directory`.

    GRUB 2.06 cannot read two of ext4's newer features, which other distributions switch on. A file
    system this small would get blocks of 1 KiB, which no device has and each boot pays for.
    """
    run(["mkfs.ext4", "-q", "-F", "-L", label, "-U", part["uuid"], "-d", directory, "-m", "0",
         "-b", "4096", "-O", "^metadata_csum_seed,^orphan_file", "-E", "offset=%d" % part["start"],
         path, "%dk" % (part["size"] // 1024)])


def debugfs(path, part, *requests):
    """Runs debugfs requests (they may write) on the partition and returns what they printed."""
    done = subprocess.run(
        ["debugfs", "-w", "-f", "-", "%s?offset=%d" % (path, part["start"])], check=True,
        input="\n".join(requests) + "\n", text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    return done.stdout


def make_immutable(path, part, names):
    """Sets the immutable flag that `ostree admin deploy` puts on a deployment's root directory.

    mkfs.ext4 -d does not copy it, and without it a disk would be kinder than a real one: 0x80000
    is the flag for extents, which the directory has anyway, 0x10 the immutable one.
    """
    debugfs(path, part, *["set_inode_field %s flags 0x80010" % name for name in names])


def names_in(path, part, directory):
    """The sorted names in a directory of the partition, read without the kernel."""
    listed = debugfs(path, part, "ls -p %s" % directory)
    names = re.findall(r"^/\d+/\d*/\d*/\d*/([^/]*)/", listed, re.MULTILINE)
    return sorted(set(names) - {".", "..", ""})


def install_grub(path, work, config_device, config):
    """Puts GRUB for BIOS on the disk; it reads `config` on `config_device`, (hd0,gpt2) say."""
    early = os.path.join(work, "early.cfg")
    prefix = "(%s)%s/grub" % (config_device, os.path.dirname(os.path.dirname(config)))
    with open(early, "w", encoding="ascii") as out:
        out.write("serial --unit=0 --speed=115200\nterminal_input serial\n"
                  "terminal_output serial\necho GRUB on BIOS, reading (%s)%s\n"
                  "set root=%s\nset prefix=%s\nnormal (%s)%s\n" % (
                      config_device, config, config_device, prefix, config_device, config))
    core = os.path.join(work, "core.img")
    subprocess.run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-o", core, "-c", early,
                    "-p", prefix] + MODULES, check=True)
    with open(core, "rb") as source:
        image = bytearray(source.read())
    with open(os.path.join(GRUB, "boot.img"), "rb") as source:
        boot = bytearray(source.read(SECTOR))
    first = MIB // SECTOR
    struct.pack_into("<Q", boot, BOOT_KERNEL_SECTOR, first)
    # The block list at the end of core.img's first sector says where the others are.
    _, _, segment = struct.unpack_from("<QHH", image, SECTOR - 12)
    struct.pack_into("<QHH", image, SECTOR - 12, first + 1, (len(image) - 1) // SECTOR, segment)
    with open(path, "r+b") as disk:
        mbr = disk.read(SECTOR)
        # The partition table of the protective MBR, and the disk's signature before it, stay.
        disk.seek(0)
        disk.write(bytes(boot[:0x1B8]) + mbr[0x1B8:])
        disk.seek(MIB)
        disk.write(image)


def superblock_state(path, part):
    """(clean, needs_recovery) of the ext4 in the partition, from its superblock."""
    with open(path, "rb") as disk:
        disk.seek(part["start"] + 1024)
        block = disk.read(1024)
    magic, state = struct.unpack_from("<HH", block, 0x38)
    incompat = struct.unpack_from("<I", block, 0x60)[0]
    if magic != EXT4_MAGIC:
        raise RuntimeError("%s: no ext4 at byte %d" % (path, part["start"]))
    return state == EXT4_CLEAN, bool(incompat & EXT4_NEEDS_RECOVERY)


def check_ext4(path, part):
    """What e2fsck has against the file system: '' for nothing."""
    done = subprocess.run(["e2fsck", "-f", "-n", "%s?offset=%d" % (path, part["start"])], text=True,
                          check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if done.returncode == 0 else done.stdout.strip()
