# SPDX-License-Identifier: LGPL-2.1-or-later
"""A recording: the disk before the changes, each write that reached it, and the guest's notes.

QEMU's blklogwrites writes the log in the format of Linux's dm-log-writes
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

# An event is a write of `data` at `offset`; a flush, after which all earlier writes are on the
# disk; or a note of the guest, which has neither. Notes change the generations that are legal
# (window).
Event = collections.namedtuple("Event", "number offset data flush window")


# The directories in which both readers, grub/stub.cfg and uboot/boot.cmd, look for a complete menu,
# in this order.
SWAPPED = ("loader", "loader.1", "loader.0")
# The operations on a `loader` that is a real directory and is never swapped.
LIVE = ("menu", "killed", "truncate")


class Window(collections.namedtuple("Window", "committed changing")):
    """The generation that was finished last, and the next one while it is made (else None)."""

    @property
    def legal(self):
        """The set of generations that a loader may find."""
        return {self.committed} | ({self.changing} - {None})


def entries(path):
    """Yields (offset, bytes, whether it is a flush) for each entry of a log. The recorded device
    does not offer discard, so a discard in the log is an error of the rig."""
    with open(path, "rb") as source:
        log = source.read()
    magic, version, count, sector = struct.unpack_from(HEADER, log)
    if (magic, version) != (MAGIC, 1):
        raise RuntimeError(f"{path}: not a log of writes")
    at = sector
    for _ in range(count):
        first, sectors, flags, _ = struct.unpack_from(ENTRY, log, at)
        if flags & DISCARD:
            raise RuntimeError(f"{path}: the guest discards")
        at += sector
        yield first * sector, log[at:at + sectors * sector], bool(flags & FLUSH)
        at += sectors * sector


def content(name, version):
    """The bytes of a kernel or initramfs. They are never started and only have to be complete."""
    return b"".join(b"%s %d, line %d\n" % (name.encode(), version, line) for line in range(300))


class Recording:
    """A recording that record.py has made in a folder."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "facts.json"), encoding="ascii") as source:
            facts = json.load(source)
        self.name, self.kind, self.operation = facts["name"], facts["kind"], facts["operation"]
        self.size, self.unread = facts["size"], facts["unread"]
        self.directories = ("loader",) if self.operation in LIVE else SWAPPED
        # The bytes that a device writes completely or not at all. A complete disk must be mounted,
        # and Linux does not mount an ext4 if a block of a commit in its journal is torn ("journal
        # transaction is corrupt").
        self.atom = 4096 if self.operation == "whole" else 512
        # {generation: {name of the menu: its bytes}}
        self.menus = {int(generation): {name: base64.b64decode(text)
                                        for name, text in menus.items()}
                      for generation, menus in facts["menus"].items()}
        self.base = os.path.join(folder, "base.img")
        self.events = list(self.read())

    def late_is_wrong(self, window):
        """Whether the loader must find a change that is reported as done. This does not hold if
        Debian 12's libostree swaps `loader`; on xfs, because no loader replays its log and we
        cannot flush it; and for odd generations of "killed", whose generators die before they
        report."""
        if self.operation == "killed":
            return window.committed % 2 == 0
        return self.operation == "newer" or (
            self.operation in LIVE + ("kargs",) and self.kind != "xfs")

    def read(self):
        """Yields the events on the file system from the first note on, each with its window.
        Earlier writes go into `self.settled`."""
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
