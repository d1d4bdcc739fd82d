# SPDX-License-Identifier: LGPL-2.1-or-later
"""States that are booted from the firmware to userspace: a complete disk with GRUB, grub/stub.cfg,
a stock kernel, ostree-prepare-root, and two trees that libostree deploys and undeploys during the
recording.

/boot is on the root file system, so that the kernel replays the journal of what GRUB has read.
"""

import os
import random
import re
import shutil
import subprocess
import time

from rig.crash import record, states, writelog
from rig.crash.trial import Tally, find
from rig.disk import disk, image, loaders, sysroot
from rig.host import kernels
from rig.vm import machine
from testlib.slowness import limit

# The parts of a scenario that the disk needs.
CELL = {"boot": {"chosen": 0, "timeout": "0"}}
PLAN = {"repo-config": "", "stateroots": ["demo"], "versions": ["1", "2"], "writer": ["ostree"]}
QEMU = "qemu-system-x86_64 -M q35 -accel tcg -cpu qemu64 -smp 1 -m 256 -nodefaults -display none"
CHANGES = 4
SAMPLES = 10
BOOTS = 50
SECONDS = 240


def make_disk(build, folder):
    """Makes folder/base.img, a disk that boots version 2 and also has version 1; returns its
    size."""
    release, vmlinuz = kernels.kernel(record.MACHINE)
    files = {"usr/bin/busybox": shutil.which("busybox"), f"usr/lib/modules/{release}/vmlinuz":
             vmlinuz, image.PREPARE_ROOT: os.path.join(build, "ostree-prepare-root"),
             "usr/sbin/init": image.HERE + "/guest/came-up"}
    repo, root, path = (os.path.join(folder, name) for name in ("repo", "root", "base.img"))
    sysroot.commit(repo, folder, image.own_kernels(files, release, folder), {})
    loader = loaders.of(record.MACHINE)
    parts = disk.layout([128], loader.size)
    sysroot.make(root, repo, os.path.join(build, "ostree-grub-generator"), PLAN,
                 ["root=PARTUUID=" + parts[0]["uuid"], "rootwait", "panic=1", "no_timer_check",
                  "console=ttyS0", "rw"])
    loader.configure(os.path.join(root, "boot"), CELL)
    disk.run([os.path.join(build, "ostree-uboot-generator"), "-o",
              os.path.join(root, "boot/loader/uEnv.txt")])
    disk.create(path, parts, loader.first)
    disk.fill(path, parts[0], root, "root")
    loader.install(path, folder, CELL, parts[0], "/boot")
    disk.run(["rm", "-rf", repo, root])
    return os.path.getsize(path)


def make(build, folder):
    """Records a guest that undeploys and deploys in turn."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    record.run(folder, record.system(build, build), make_disk(build, folder), "ext4-4k", {
        "operation": "whole", "device": "vda2", "top": "/sysroot", "count": CHANGES})


def choose(recording, seed):
    """The names of BOOTS different states, from all epochs in turn. Otherwise most would be from
    the copying of a kernel."""
    epochs, seen = {}, set()
    for state in states.states(states.Disk(recording), range(SAMPLES), seed):
        if state.key not in seen:
            epochs.setdefault(state.epoch, []).append(states.name_of(state))
            seen.add(state.key)
    dice, chosen = random.Random(seed), []
    while len(chosen) < BOOTS and any(epochs.values()):
        for names in epochs.values():
            if names:
                chosen.append(names.pop(dice.randrange(len(names))))
    if len(chosen) < BOOTS:
        raise RuntimeError(f"only {len(chosen)} states differ, but {BOOTS} are to be booted")
    return set(dice.sample(chosen, BOOTS))


def first(recording, generation):
    """The (version of the tree, ostree= argument) that this generation's menu starts first."""
    menu = recording.menus[generation]["grub.cfg"]
    entry = menu[menu.index(b"linux '"):]
    return (re.search(rb"'(?:Demo OTA|demo) (\d+)", menu[:menu.index(b"linux '")])[1].decode(),
            re.search(rb"'ostree=([^']+)'", entry)[1].decode())


def boot(path, folder):
    """Boots a disk until the tree powers the machine off; returns (the output of its second serial
    port, how often Linux started). Both serial ports are kept in `folder`."""
    os.makedirs(folder, exist_ok=True)
    console, report = os.path.join(folder, "console"), os.path.join(folder, "report")
    words = QEMU.split() + ["-serial", "file:" + console, "-serial", "file:" + report,
                            "-drive", "if=none,id=d,format=raw,snapshot=on,file=" +
                            machine.in_option(path), "-device", "nvme,serial=rootstock,drive=d"]
    try:
        subprocess.run(words, check=True, timeout=limit(SECONDS), stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        pass
    with open(report, encoding="utf-8", errors="replace") as said, \
            open(console, encoding="utf-8", errors="replace") as log:
        return said.read(), log.read().count("Linux version ")


def verdict(recording, state, said):
    """The verdict on a state, from what its tree reported."""
    found = re.search(r"^came up: version (\d+) prepared .*\bostree=(\S+)", said, re.MULTILINE)
    if not found:
        return "nothing came up"
    for word, generation in (("new", state.window.changing), ("old", state.window.committed),
                             ("late", state.window.committed - 1)):
        if generation is not None and generation >= 0:
            if first(recording, generation) == found.groups():
                return "new" if word == "old" and state.window.changing is None else word
    return "version %s came up by %s" % found.groups()


def try_disk(recording, state, path, kept):
    """Boots the image of a state; returns the verdict. The consoles are in the folder `kept`.

    On a busy host a serial port may lose what is printed right before the power-off, so a boot
    without a report is repeated. The disk is the same: one that does not boot fails again.
    """
    said, starts = boot(path, kept)
    if not said:
        said, starts = boot(path, kept)
    word = verdict(recording, state, said)
    # A late menu may name a tree that is gone once Linux has replayed the journal. Then Linux
    # panics, and GRUB reads the new menu at the next start.
    return "restart" if starts > 1 and word in ("old", "new") else word


def show(recording, name, seed, path):
    """Makes the disk of one state and boots it; returns the verdict and the paths as text."""
    state = find(recording, name, seed, path)
    kept = os.path.join(recording.folder, "boots", name)
    return f"{path}\n{state.window}\n{kept}/console\n{try_disk(recording, state, path, kept)}"


def judge(folder, seed):
    """Boots some of the states; returns the tally."""
    recording = writelog.Recording(folder)
    tally, start = Tally(recording, "grub, booted"), time.monotonic()
    chosen, whole = choose(recording, seed), states.Disk(recording)
    slot = states.Slot(os.path.join(folder, "work", "disk.img"), whole)
    for state in states.states(whole, range(SAMPLES), seed):
        if states.name_of(state) in chosen:
            slot.put(state)
            kept = os.path.join(folder, "boots", states.name_of(state))
            tally.built += 1
            tally.add(state, try_disk(recording, state, slot.path, kept))
    slot.close()
    tally.seconds = time.monotonic() - start
    return tally
