# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that fail while a live menu is replaced: one of the writes or flushes returns EIO, the file
system is full except for some KiB, or it becomes read-only before or between the two menus.

Then GRUB must read the complete old or new menu, and the new one if the generator has reported
success. (bls/test/test-faults.py lets each system call fail.)
"""

import base64
import json
import os
import re
import shutil
import subprocess
import time
import types

from rig.crash import bootfs, grubjudge, menus, record
from rig.crash.trial import Tally
from rig.crash.writelog import Recording

# Each plan's faults (kind, number). A change with its mount and unmount has no more writes and
# flushes than these.
PLANS = {
    "write": [("write", number) for number in range(1, 25)],
    "flush": [("flush", number) for number in range(1, 13)],
    "state": [("full", free) for free in range(0, 18)] + [("read-only", 0), ("then-read-only", 0)],
}
EVENTS = {"write": ("write_aio", "write"), "flush": ("flush_to_disk", "flush")}
NAMES = ("grub.cfg", "uEnv.txt")


def drive(number, path, fault, turn):
    """QEMU's arguments for a disk on which request number `turn` of a kind fails once. The states
    of blkdebug count the requests; it sees them only below a node `raw`."""
    node = {"driver": "file", "filename": path}
    if fault in EVENTS:
        event, sort = EVENTS[fault]
        node = {"driver": "blkdebug", "image": node,
                "inject-error": [{"event": event, "iotype": sort, "state": turn, "errno": 5,
                                  "once": True}]}
        if turn > 1:  # QEMU takes no empty list
            node["set-state"] = [{"event": event, "state": state, "new_state": state + 1}
                                 for state in range(1, turn)]
    raw = {"driver": "raw", "node-name": f"d{number}", "file": node}
    return ["-blockdev", json.dumps(raw), "-device",
            f"virtio-blk-pci,drive=d{number},werror=report,rerror=report,write-cache=on,"
            "discard=off,write-zeroes=off"]


def device(number):
    """Linux's name of the disk."""
    return "vd" + chr(ord("a") + number)


def run(build, recording, folder, plan):
    """Lets the guest change the menu on each disk of a plan; returns ({disk: statuses of the two
    generators}, {name: new menu}). The first disk has no fault; the new menus are its."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    plan = [("none", 0)] + plan
    words, lines = [], []
    for number, (fault, turn) in enumerate(plan):
        path = os.path.join(folder, device(number))
        subprocess.run(["cp", "--sparse=always", os.path.join(recording.folder, "end.img"), path],
                       check=True)
        words += drive(number, path, fault, turn)
        lines.append(f"{device(number)} {fault} {turn}\n")
    record.boot(folder, record.system(build, build), {
        "filesystem": bootfs.KINDS[recording.kind].type, "operation": "faults", "device": "vda",
        "top": "/sysroot/boot", "count": len(recording.menus)}, words, "".join(lines))
    with open(os.path.join(folder, "report"), encoding="ascii", errors="replace") as source:
        said = source.read()
    statuses = dict(re.findall(r"^fault (\w+) (\w+ \w+)\r?$", said, re.MULTILINE))
    new = {name: base64.b64decode(text) for name, text in
           re.findall(r"^menu vda (\S+) (\S+)\r?$", said, re.MULTILINE)}
    return statuses, new


def judge(image, name, status, legal):
    """(what is wrong with a menu on a disk or None, whether it is the new menu)."""
    found = menus.find(legal, name, lambda path: grubjudge.cat(image, path))
    if isinstance(found, str):
        return found, False
    if not found.whole:
        return "files of an entry are missing", False
    new = found.generation == 1
    if status == "0" and not new:
        return "the old menu, although the generator has reported success", False
    return None, new


def try_plan(build, folder, name):
    """Tries one plan on the disk of a recording; returns ([for each disk whether both menus are
    new], [what was wrong])."""
    recording = Recording(folder)
    work = os.path.join(folder, "faults-" + name)
    statuses, new = run(build, recording, work, PLANS[name])
    legal = types.SimpleNamespace(directories=("loader",), menus={
        0: recording.menus[max(recording.menus)], 1: new})
    wrong, failed, new_ones = [], 0, []
    for number, (fault, turn) in enumerate([("none", 0)] + PLANS[name]):
        image = os.path.join(work, device(number))
        given = statuses[device(number)].split()
        failed += given != ["0", "0"]
        found = [judge(image, *pair, legal) for pair in zip(NAMES, given)]
        wrong += [f"{fault} {turn}, {menu}: {problem} ({image})"
                  for menu, (problem, _) in zip(NAMES, found) if problem]
        new_ones.append(all(is_new for _, is_new in found))
    if not failed:
        wrong.append("no generator has failed: the faults did not happen")
    return new_ones, wrong


def run_all(build, folder):
    """Tries every plan on the disk of a recording; returns the tally."""
    tally, start = Tally(Recording(folder), "grub"), time.monotonic()
    tally.operation = "faults"
    for name in PLANS:
        new_ones, wrong = try_plan(build, folder, name)
        tally.built += len(new_ones)
        tally.judged += len(new_ones)
        tally.verdicts.update("new" if both else "old" for both in new_ones)
        tally.violations += wrong
    tally.seconds = time.monotonic() - start
    return tally
