# SPDX-License-Identifier: LGPL-2.1-or-later
"""The states in which a power cut can leave the disk of a recording.

In order: all writes up to each one. Reordered: all writes before the last flush, and any subset of
the later ones, as a cache loses them, some of them cut off at a sector. A sector is old or new as a
whole. A seed chooses the subsets: with it, recording, position and sample number identify a state.
"""

import collections
import hashlib
import mmap
import os
import random

from rig.crash.bootfs import SECTOR

# A state: `epoch` is the number of flushes before it, `writes` are the (offset, bytes) after the
# last of them. States with the same `key` are the same for every loader.
State = collections.namedtuple("State", "position sample window epoch writes key")


def name_of(it):
    """The name of a state on the command line: the number of a write, or EPOCH.SAMPLE."""
    return f"{it.position}" if it.sample is None else f"{it.epoch}.{it.sample}"


def digest(sector, data):
    """A hash of the content of one sector, as a number. A disk's key is their exclusive or."""
    return int.from_bytes(hashlib.blake2b(data, digest_size=12,
                                          salt=sector.to_bytes(8, "little")).digest(), "little")


class Disk:
    """The content of a recording's disk after a number of flushes."""

    def __init__(self, recording):
        self.recording = recording
        with open(recording.base, "rb") as source:
            self.bytes = mmap.mmap(source.fileno(), recording.size, access=mmap.ACCESS_COPY)
        self.unread = set()
        for first, end in recording.unread:
            self.unread.update(range(first, end))
        # Offsets and lengths of the writes since the base, in order.
        self.changed, self.epoch, self.key, self.known = [], 0, 0, {}
        self.settle(recording.settled)
        self.epoch = 0

    def settle(self, writes):
        """Applies the writes of an epoch, after its flush."""
        for offset, data in writes:
            self.key ^= self.difference([(offset, data)])
            self.bytes[offset:offset + len(data)] = data
            for sector in range(offset // SECTOR, (offset + len(data)) // SECTOR):
                self.known.pop(sector, None)
            self.changed.append((offset, len(data)))
        self.epoch += 1

    def before(self, sector):
        """The digest of a sector after the last flush."""
        if sector not in self.known:
            at = sector * SECTOR
            self.known[sector] = digest(sector, self.bytes[at:at + SECTOR])
        return self.known[sector]

    def difference(self, writes):
        """The exclusive or by which writes change the disk's key."""
        now = {}
        for offset, data in writes:
            for at in range(0, len(data), SECTOR):
                sector = (offset + at) // SECTOR
                if sector not in self.unread:
                    now[sector] = digest(sector, data[at:at + SECTOR])
        key = 0
        for sector, value in now.items():
            key ^= value ^ self.before(sector)
        return key


def torn(data, dice, atom):
    """(skip, data) of a write. Three in ten of those longer than `atom` bytes are cut: only the
    head or the tail is left, in multiples of `atom`."""
    if len(data) <= atom or dice.random() < 0.7:
        return 0, data
    cut = dice.randrange(1, -(-len(data) // atom)) * atom
    return (0, data[:cut]) if dice.random() < 0.5 else (cut, data[cut:])


def subset(pending, dice, atom):
    """A random subset of the pending writes; it stays in order, because they may overlap."""
    chance = dice.choice((0.2, 0.5, 0.8))
    found = []
    for event in pending:
        if dice.random() < chance:
            skip, data = torn(event.data, dice, atom)
            found.append((event.offset + skip, data))
    return found


def state(disk, moment, sample, writes):
    """The state at a moment (event, number of pending writes), with these writes of its epoch."""
    event = moment[0]
    return State(event.number, sample, event.window, disk.epoch, writes,
                 disk.key ^ disk.difference(writes))


def in_order(disk, pending, moment):
    """The state in which every write up to the moment is on the disk."""
    return state(disk, moment, None, [(event.offset, event.data) for event in pending[:moment[1]]])


def reordered(disk, pending, moments, seed, sample):
    """Sample number `sample` of the states in which a power cut in this epoch can leave the
    disk."""
    dice = random.Random(f"{seed} {disk.recording.name} {disk.epoch} {sample}")
    moment = dice.choice(moments)
    return state(disk, moment, sample, subset(pending[:moment[1]], dice,
                                              disk.recording.atom))


def states(disk, samples, seed):
    """Yields the state after each write, and the `samples` (numbers) of each epoch; moves the disk
    from epoch to epoch."""
    pending, moments = [], []
    for event in disk.recording.events:
        if event.data:
            pending.append(event)
        if not event.flush or event.data:
            moments.append((event, len(pending)))
            yield in_order(disk, pending, moments[-1])
        if event.flush and pending:
            for sample in samples:
                yield reordered(disk, pending, moments, seed, sample)
            disk.settle([(event.offset, event.data) for event in pending])
            pending, moments = [], []


class Slot:
    """A file that becomes the image of one state after another."""

    def __init__(self, path, disk):
        self.path, self.disk, self.applied, self.dirty = path, disk, 0, []
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(disk.recording.base, "rb") as source, open(path, "wb") as out:
            while chunk := source.read(1 << 20):
                if chunk.count(0) == len(chunk):
                    out.seek(len(chunk), os.SEEK_CUR)
                else:
                    out.write(chunk)
            out.truncate(disk.recording.size)
        self.file = os.open(path, os.O_RDWR)

    def put(self, state):
        """Makes the file the image of a state, which must be of the disk's current epoch."""
        assert state.epoch == self.disk.epoch
        for offset, size in self.dirty + self.disk.changed[self.applied:]:
            os.pwrite(self.file, self.disk.bytes[offset:offset + size], offset)
        self.applied = len(self.disk.changed)
        for offset, data in state.writes:
            os.pwrite(self.file, data, offset)
        self.dirty = [(offset, len(data)) for offset, data in state.writes]

    def close(self):
        """Removes the file."""
        os.close(self.file)
        os.unlink(self.path)
