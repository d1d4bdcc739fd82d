# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recording: the disk before, each write that reached it, and what the guest was doing.

The format of the log is that of Linux's dm-log-writes, in which QEMU's blklogwrites writes it
(Documentation/admin-guide/device-mapper/log-writes.rst).
"""

import base64
import collections
import json
import os
import struct

MAGIC = 0x6A736677736872
FLUSH, DISCARD = 1, 4
HEADER = "<QQQI"
ENTRY = "<QQQQ"

# A write has bytes at an offset; after a flush what was written before is on the disk; a note of
# the guest is neither, and from it on other generations of the menu are legal (window).
Event = collections.namedtuple("Event", "number offset data flush window")


# In this order both readers, grub/stub.cfg and uboot/boot.cmd, look for a complete menu.
SWAPPED = ("loader", "loader.1", "loader.0")
# The operations on a `loader` that is no symlink and is never swapped.
LIVE = ("menu", "killed", "truncate")


class Window(collections.namedtuple("Window", "committed changing")):
    """The generation that is the last one finished, and the next one while it is being made."""

    @property
    def legal(self):
        """The generations that a loader may find."""
        return {self.committed} | ({self.changing} - {None})


def entries(path):
    """(offset, bytes, is a flush) for each entry of a log; discards are left out of the recorded
    device, so one is a mistake of the rig."""
    with open(path, "rb") as source:
        log = source.read()
    magic, version, count, sector = struct.unpack_from(HEADER, log)
    if (magic, version) != (MAGIC, 1):
        raise RuntimeError("%s: not a log of writes" % path)
    at = sector
    for _ in range(count):
        first, sectors, flags, _ = struct.unpack_from(ENTRY, log, at)
        if flags & DISCARD:
            raise RuntimeError("%s: the guest discards" % path)
        at += sector
        yield first * sector, log[at:at + sectors * sector], bool(flags & FLUSH)
        at += sectors * sector


def content(name, version):
    """The bytes of a kernel or initramfs: never started, they only have to be complete."""
    return b"".join(b"%s %d, line %d\n" % (name.encode(), version, line) for line in range(300))


class Recording:
    """What record.py left in a directory."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "facts.json"), encoding="ascii") as source:
            facts = json.load(source)
        self.name, self.kind, self.operation = facts["name"], facts["kind"], facts["operation"]
        self.size, self.unread = facts["size"], facts["unread"]
        self.directories = ("loader",) if self.operation in LIVE else SWAPPED
        # What a device writes wholly or not at all. Linux mounts no ext4 in whose journal the block
        # of a commit is torn ("journal transaction is corrupt"), and the whole disk it must mount.
        self.atom = 4096 if self.operation == "whole" else 512
        # {generation: {name of the menu: its bytes}}
        self.menus = {int(generation): {name: base64.b64decode(text)
                                        for name, text in menus.items()}
                      for generation, menus in facts["menus"].items()}
        self.base = os.path.join(folder, "base.img")
        self.events = list(self.read())

    def late_is_wrong(self, window):
        """Whether a change that is reported as done must be what the loader finds. Not so where
        Debian 12's libostree swaps `loader`, nor on xfs, whose log no loader replays and we cannot
        flush, nor where every other generator, the odd ones, is killed before it could report."""
        if self.operation == "killed":
            return window.committed % 2 == 0
        return self.operation == "newer" or (
            self.operation in LIVE + ("kargs",) and self.kind != "xfs")

    def read(self):
        """The events on the file system, each with its window, from the first note on; what is
        before that goes into `self.settled`."""
        window, self.settled = None, []
        for number, (offset, data, flush) in enumerate(entries(os.path.join(self.folder, "log"))):
            if offset >= self.size and data:
                what, generation = data.split(b"\n")[0].decode().split()
                window = {"begin": lambda g: Window(g - 1, g), "commit": lambda g: Window(g, None),
                          "end": lambda g: Window(g, None)}[what](int(generation))
                yield Event(number, 0, b"", False, window)
            elif window is None:
                self.settled.append((offset, data))
            else:
                yield Event(number, offset, data, flush, window)
