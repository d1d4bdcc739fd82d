# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gives the states of one recording to the judges, and counts their verdicts."""

import collections
import os
import random
import time

from rig.crash import bootfs, grubjudge, menus, states, ubootjudge, writelog
from rig.crash.states import Disk, Slot, name_of

# One in so many of the states that grub-emu has judged goes to grub-fstest too.
AGAIN = 50
# One in so many of all states goes to U-Boot. It does not read every file system, so there are a
# bit more than 2,000 of 100,000.
UBOOT = 35


class Tally:
    """How many states there were, how many of them differ, and the verdicts on these."""

    def __init__(self, recording, loader):
        self.name, self.loader, self.operation = recording.name, loader, recording.operation
        self.kind = recording.kind
        self.built, self.judged, self.seconds = 0, 0, 0.0
        self.verdicts, self.violations = collections.Counter(), []
        self.late_is_wrong = recording.late_is_wrong

    def add(self, state, verdict):
        """Counts a verdict; one that must not happen is a violation too."""
        self.judged += 1
        self.verdicts[verdict if verdict in menus.VERDICTS else "wrong"] += 1
        wrong = () if verdict in menus.VERDICTS else (verdict,)
        if verdict in ("late", "shorter") and self.late_is_wrong(state.window):
            wrong = ("the old menu, although the change was reported as done",)
        self.violations += [f"{name_of(state)}: {text}" for text in wrong]


def samples_for(recording, wanted):
    """The number of samples of each epoch, at least ten, that make about `wanted` states."""
    events = recording.events
    points = sum(1 for event in events if event.data or not event.flush)
    epochs = sum(1 for event in events if event.flush)
    return max(10, -(-(wanted - points) // max(epochs, 1)))


def different(disk, samples, seed, tally):
    """The states of a recording, without repetitions in the same window."""
    seen = set()
    for state in states.states(disk, range(samples), seed):
        tally.built += 1
        if (state.key, state.window) not in seen:
            seen.add((state.key, state.window))
            yield state


def batches(disk, found, folder, size):
    """Yields lists of up to `size` (state, image); the images are valid until the next list."""
    slots, cases = [], []
    for state in found:
        if len(slots) <= len(cases):
            slots.append(Slot(os.path.join(folder, f"state-{len(slots)}"), disk))
        slots[len(cases)].put(state)
        cases.append((state, slots[len(cases)].path))
        if len(cases) == size:
            yield cases
            cases = []
    if cases:
        yield cases
    for slot in slots:
        slot.close()


def read_by_grub(folder, wanted, seed, first_only=False, without_us=False):
    """Lets GRUB judge a recording; returns (tally, names of the judged states). With `without_us`
    it reads only `loader`, as without our stub."""
    recording = writelog.Recording(folder)
    if without_us:
        recording.directories = ("loader",)
    disk, names = Disk(recording), []
    tally = Tally(recording, "grub without us" if without_us else "grub")
    dice, start = random.Random(seed), time.monotonic()
    work = os.path.join(folder, "work")
    found = different(disk, samples_for(recording, wanted), seed, tally)
    for cases in batches(disk, found, work, grubjudge.BATCH):
        for (state, image), reading in zip(cases, grubjudge.readings(work, recording, cases)):
            verdict = menus.judge(recording, grubjudge.NAME, state.window, reading)
            if not dice.randrange(AGAIN):
                alone = grubjudge.read_alone(recording, image)
                if menus.judge(recording, grubjudge.NAME, state.window, alone) != verdict:
                    verdict = f"grub-emu finds {reading}, grub-fstest {alone}"
            tally.add(state, verdict)
            names.append(name_of(state))
        if first_only and tally.violations:
            break
    tally.seconds = time.monotonic() - start
    return tally, names


def pick(disk, names, samples, seed):
    """The states of a recording that have these names."""
    for state in states.states(disk, range(samples), seed):
        if name_of(state) in names:
            yield state


def judge_disk(recording, tally, disk, batch):
    """Lets U-Boot read a disk of states, and counts the verdicts."""
    disk.finish()
    for state, said in zip(batch, ubootjudge.say(os.path.dirname(disk.path), disk)):
        reading = ubootjudge.understand(recording, said)
        tally.built += 1
        tally.add(state, menus.judge(recording, ubootjudge.NAME, state.window, reading))
    os.unlink(disk.path)


def read_by_uboot(folder, names, wanted, seed):
    """Lets U-Boot judge some of the states with these names; returns the tally, or None if U-Boot
    does not read this file system."""
    recording = writelog.Recording(folder)
    if "uboot" not in bootfs.KINDS[recording.kind].loaders:
        return None
    tally, start, batch = Tally(recording, "uboot"), time.monotonic(), []
    work, disk = os.path.join(folder, "work"), Disk(recording)
    slot = Slot(os.path.join(work, "state-0"), disk)
    chosen = set(random.Random(seed).sample(names, min(wanted // UBOOT, len(names))))
    for state in pick(disk, chosen, samples_for(recording, wanted), seed):
        if not batch:
            many = ubootjudge.Disk(os.path.join(work, "disk.img"), recording.size)
        slot.put(state)
        many.add(slot.path)
        batch.append(state)
        if len(batch) == min(ubootjudge.BATCH, len(chosen) - tally.built):
            judge_disk(recording, tally, many, batch)
            batch = []
    slot.close()
    tally.seconds = time.monotonic() - start
    return tally


def find(recording, name, seed, path):
    """Makes the image of the state with this name, and returns the state."""
    disk = Disk(recording)
    samples = [int(name.split(".")[1])] if "." in name else []
    for state in states.states(disk, samples, seed):
        if name_of(state) == name:
            Slot(path, disk).put(state)
            return state
    raise ValueError(f"{recording.folder} has no state {name}")


def show(recording, name, seed, path):
    """Makes the image of one state; returns as text what each loader finds in it."""
    state = find(recording, name, seed, path)
    lines = [path, str(state.window)]
    for loader, judge in (("grub", grubjudge), ("uboot", ubootjudge)):
        if loader in bootfs.KINDS[recording.kind].loaders:
            found = judge.read_alone(recording, path)
            verdict = menus.judge(recording, judge.NAME, state.window, found)
            lines.append(f"{loader}: {verdict}, {found}")
    return "\n".join(lines)
