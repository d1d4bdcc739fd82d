# SPDX-License-Identifier: LGPL-2.1-or-later
"""U-Boot reads the states: Debian's U-Boot for arm runs uboot/boot.cmd.

Each state is a partition of one disk, so one start of U-Boot reads many. The script is the one that
boards run, with two changes: it prints a checksum of each loaded file, and instead of starting the
kernel it prints a word and ends.
"""

import contextlib
import os
import re
import struct
import subprocess
import uuid
import zlib

from rig.crash import menus
from rig.crash.bootfs import MIB, SECTOR
from rig.host.kernels import HERE

from testlib import realuboot

NAME = "uEnv.txt"
# The number of states on one disk; say() explains why they are not more.
BATCH = 48
# The time limit of a start, with others running on this host.
SECONDS = 200
OUTER, INNER = 0x42000000, 0x43000000
ADDRESSES = {"kernel_addr_r": "44000000", "ramdisk_addr_r": "48000000"}
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le
CHUNK = 64 * 1024
# In place of U-Boot's output for a state that crashes it.
DIED = "@died"
NOT_EMPTY = " && test \"${filesize}\" != 0; then\n"
CHANGES = [
    ("if load ${rootstock_disk} ${kernel_addr_r} ${rs_dir}/uEnv.txt; then\n",
     "%secho @menu ${rs_dir}\ncrc32 ${kernel_addr_r} ${filesize}\n"),
    ("if load ${rootstock_disk} ${kernel_addr_r} \"${kernel_image}\"" + NOT_EMPTY,
     "%secho @kernel ${kernel_image}\ncrc32 ${kernel_addr_r} ${filesize}\n"),
    ("if load ${rootstock_disk} ${rs_end} \"${rs_name}\"" + NOT_EMPTY,
     "%secho @ramdisk ${rs_name}\ncrc32 ${rs_end} ${filesize}\n"),
    ("${rs_name} ${rs_all}\n",
     "echo @started\nsetenv kernel_image\nsetenv rs_fields\nsetenv rootstock_disk none 0\n"),
    ("resetting\"\nreset\n", "resetting\"\n"),
]
LOADED = r"^@(menu|kernel|ramdisk|started) ?(\S*)\n(?:.*==> ([0-9a-f]{8})$)?"


def boot_script():
    """The text of uboot/boot.cmd with CHANGES."""
    with open(os.path.join(os.path.dirname(HERE), "uboot/boot.cmd"), encoding="utf-8") as source:
        text = source.read()
    for old, new in CHANGES:
        if text.count(old) != 1:
            raise RuntimeError(f"boot.cmd no longer has this once: {old}")
        text = text.replace(old, new.replace("%s", old))
    return text


def header(mine, other, table, last, checksum):
    """The bytes of one of the two headers of a GPT."""
    def packed(own):
        return b"EFI PART" + struct.pack(
            "<4I4Q16sQ3I", 0x10000, 92, own, 0, mine, other, 34, last, bytes(16), table, 128, 128,
            checksum)
    return packed(zlib.crc32(packed(0))).ljust(SECTOR, b"\0")


class Disk:
    """A disk with a partition for each state."""

    def __init__(self, path, size):
        self.path, self.count, self.step = path, 0, size // SECTOR
        with open(path, "wb"):
            pass

    def add(self, image):
        """Copies an image, without its zeros, into the next partition."""
        at = MIB + self.count * self.step * SECTOR
        self.count += 1
        with open(image, "rb") as source, open(self.path, "r+b") as disk:
            for offset in range(0, self.step * SECTOR, CHUNK):
                data = source.read(CHUNK)
                if data.count(0) != len(data):
                    disk.seek(at + offset)
                    disk.write(data)

    def finish(self):
        """Writes the partition table."""
        first = MIB // SECTOR
        total = first + self.count * self.step + first
        table = b"".join(LINUX + uuid.UUID(int=number + 1).bytes_le + struct.pack(
            "<3Q72x", first + number * self.step, first + (number + 1) * self.step - 1, 0)
            for number in range(self.count)).ljust(128 * 128, b"\0")
        checksum = zlib.crc32(table)
        mbr = bytes(446) + struct.pack("<8B2I", 0, 0, 2, 0, 0xEE, 255, 255, 255, 1, total - 1)
        with open(self.path, "r+b") as disk:
            disk.truncate(total * SECTOR)
            disk.write(mbr.ljust(510, b"\0") + b"\x55\xaa")
            disk.write(header(1, total - 1, 2, total - 34, checksum) + table)
            disk.seek((total - 33) * SECTOR)
            disk.write(table + header(total - 1, 1, total - 33, total - 34, checksum))


def image_of(folder, name, text):
    """Makes a script image for U-Boot's `source`; returns its path."""
    path = os.path.join(folder, name)
    with open(path + ".cmd", "w", encoding="utf-8") as out:
        out.write(text)
    subprocess.run(["mkimage", "-q", "-A", "arm", "-T", "script", "-C", "none", "-d", path + ".cmd",
                    path], check=True, stdout=subprocess.DEVNULL)
    return path


def run(folder, disk, first):
    """Starts U-Boot once; returns (its output for each partition from `first` that it reached,
    whether it reached the end)."""
    lines = ["virtio scan"]
    for number in range(first, disk.count + 1):
        lines += [f"echo @state={number:x}", f"setenv rootstock_disk virtio 0:{number:x}",
                  f"source {INNER:x}"]
    lines.append("echo @state=end")
    devices = ["-drive", "if=none,id=d,format=raw,snapshot=on,file=" + disk.path,
               "-device", "virtio-blk-device,drive=d"]
    for name, address, text in (("outer", OUTER, "\n".join(lines + ["reset", ""])),
                                ("inner", INNER, boot_script())):
        devices += ["-device",
                    f"loader,file={image_of(folder, name, text)},addr={address:#x},force-raw=on"]
    # If it does not end, it hangs in the last state that it reached.
    with contextlib.suppress(AssertionError), realuboot.Machine(
            folder, "arm", {"bootdelay": "-2", "bootcmd": f"source {OUTER:x}", **ADDRESSES},
            devices, seconds=SECONDS):
        pass
    with open(os.path.join(folder, "console"), encoding="latin-1") as console:
        text = console.read().replace("\r", "")
    parts = re.split(r"@state=[0-9a-f]+\n", text)[1:]
    if not parts:
        raise RuntimeError("U-Boot reached no state:\n" + text[-2000:])
    whole = parts[-1].partition("@state=end\n")
    return parts[:-1] + [whole[0]], bool(whole[1])


def say(folder, disk):
    """U-Boot's output for each partition of a disk. If it crashes, the next start begins with that
    state, and only a crash in this first state counts. Debian's 2023.01 damages its own heap ("data
    abort" in malloc) after about 300 loads of files, even without our script; a device never has so
    many."""
    said = []
    while len(said) < disk.count:
        parts, ended = run(folder, disk, len(said) + 1)
        if not ended:
            parts[-1:] = [] if len(parts) > 1 else [DIED]
        said += parts
    return said


def understand(recording, said):
    """What U-Boot found, from its output: a menus.Reading, or a sentence that says what is
    wrong."""
    if said == DIED:
        return "U-Boot dies of it"
    menu, entry = None, []
    for what, name, checksum in re.findall(LOADED, said, re.MULTILINE):
        if what == "started":
            return recognise(recording, menu, entry)
        found = (name, int(checksum or "0", 16))
        if what == "menu":
            menu = found
        elif what == "kernel":
            entry = [found]
        else:
            entry.append(found)
    return "no menu"


def recognise(recording, menu, entry):
    """Finds by the checksums which generation was loaded; returns as understand() does."""
    generation = next((number for number, texts in recording.menus.items()
                       if zlib.crc32(texts[NAME]) == menu[1]), None)
    if generation is None:
        return f"{menu[0]}/{NAME} is a mixture"
    paths = tuple(path for path, _ in entry)
    entries = menus.entries(NAME, recording.menus[generation][NAME])
    if paths not in entries:
        return f"{' '.join(paths)} starts and is in no entry"
    if any(zlib.crc32(menus.content(path)) != checksum for path, checksum in entry):
        return f"{paths[0]} is torn, and starts"
    return menus.Reading(generation, paths, paths == entries[0])


def read_alone(recording, image):
    """What U-Boot finds in an image that is alone on a disk."""
    work = os.path.join(recording.folder, "work")
    os.makedirs(work, exist_ok=True)
    disk = Disk(os.path.join(work, "disk.img"), recording.size)
    disk.add(image)
    disk.finish()
    found = understand(recording, say(work, disk)[0])
    os.unlink(disk.path)
    return found
