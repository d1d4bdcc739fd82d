# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests the trials: each precaution of bls/outfile.c for a live menu is left out in turn, and a
trial must find that. In the unchanged generators it must find nothing.
"""

import fnmatch
import os
import shutil
import subprocess

from rig.crash import record, trial
from rig.disk import image

FILE = "bls/outfile.c"
FOLDERS = "build-aux bls grub uboot prepare-root initramfs qemu-tests testlib".split()
COUNT, STATES = 24, 8000
SETTLE_FIRST = ("\tif (!err && job->way != WAY_FILES)\n"
                "\t\terr = settle(job->dir_fd, job->temporary, job->way);\n\tif (!err)\n")
UNLINK = ("\tif (!err && exchanged)\n"
          "\t\t(void)unlinkat(job->dir_fd, job->temporary, 0);\n")
SETTLE = "\terr = settle(job->dir_fd, job->name, job->way);\n"
HOLD = ("\tint old_fd = openat(job->dir_fd, job->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;\n"
        "\tstruct stat st;\n")
NO_HOLD = HOLD + "\n\tif (old_fd >= 0)\n\t\tclose(old_fd);\n\told_fd = -1;\n\terrno = ENOENT;\n"
EXCHANGE = "\tif (job->way != WAY_FILES) {\n\t\t*ret_exchanged"
RENAME = "\tif (false) {\n\t\t*ret_exchanged"
LEFTOVER = "\t\terr = settle(job->dir_fd, name, job->way);\n\tif (!err && unlinkat"
FSYNC = ("\tif (!err)\n\t\terr = flushed(fsync(fd));\n", "")
# On ext4 the hold has the same effect as the exchange and as the order of the removal, unless the
# generator is killed. So they are left out together, or the generator is killed. There is no mutant
# without the special case for ext4: its generators would use syncfs and an fsync of the directory,
# which have the same effect on Linux 6.1.
# (what is missing, the trial that shows it, (text, text that replaces it)...)
MUTANTS = [
    ("nothing", "ext4-1k-menu"), ("nothing", "ext4-nojournal-menu"), ("nothing", "vfat-menu"),
    ("fsync of the new file", "ext4-1k-menu", FSYNC),
    ("fsync of the new file", "vfat-menu", FSYNC),
    ("the flush point before the exchange", "ext4-1k-menu", (SETTLE_FIRST, "\tif (!err)\n")),
    ("the flush point after the exchange", "ext4-1k-menu", (SETTLE, "")),
    ("the flush point after the rename", "vfat-menu", (SETTLE, "")),
    ("the order of flush point and removal, and the hold", "ext4-1k-menu",
     (SETTLE, UNLINK + SETTLE), (HOLD, NO_HOLD)),
    ("exchange and hold", "ext4-4k-menu", (EXCHANGE, RENAME), (HOLD, NO_HOLD)),
    ("nothing", "ext4-1k-killed"), ("exchange", "ext4-1k-killed", (EXCHANGE, RENAME)),
    ("the flush point before a leftover is removed", "ext4-1k-killed",
     (LEFTOVER, LEFTOVER.replace("settle(job->dir_fd, name, job->way)", "0"))),
    ("the hold", "vfat-menu", (HOLD, NO_HOLD)),
    ("the checkpoint", "ext4-1k-menu",
     ("ioctl(dir_fd, CHECKPOINT, &flags)", "fsync(dir_fd)")),
    ("the way of a live file", "ext4-1k-menu", ("if (!live)", "if (true)")),
    ("the second syncfs", "ext4-nojournal-menu", ("turn < 2", "turn < 1")),
    ("both syncfs", "ext4-nojournal-menu", ("turn < 2", "turn < 0")),
    ("nothing", "btrfs-menu"), ("both syncfs", "btrfs-menu", ("turn < 2", "turn < 0")),
    ("fsync of the renamed file", "vfat-menu",
     ("!err && way == WAY_FILES ? sync_file(dir_fd, name) : err", "err")),
]


def copy_tree(folder):
    """Copies the sources into a folder, to build there."""
    top = os.path.dirname(image.HERE)
    for name in FOLDERS:
        shutil.copytree(os.path.join(top, name), os.path.join(folder, name), symlinks=True)
    shutil.copy(os.path.join(top, "Makefile"), folder)


def changed(text, changes):
    """The text of outfile.c with the changes of a mutant."""
    for old, new in changes:
        if text.count(old) != 1:
            raise RuntimeError(f"{FILE} no longer has this once: {old}")
        text = text.replace(old, new)
    return text


def build(folder, text):
    """Builds the generators with this text of outfile.c; returns the build folder."""
    with open(os.path.join(folder, FILE), "w", encoding="utf-8") as out:
        out.write(text)
    programs = ["build/x86_64/" + name for name in record.GENERATORS]
    done = subprocess.run(["make", "-C", folder, "ARCH=x86_64"] + programs, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:])
    return os.path.join(folder, "build/x86_64")


def try_one(top, programs, name, seed):
    """The first violation that a trial with these generators finds, or None."""
    folder = os.path.join(top, "recording")
    kind, _, operation = name.rpartition("-")
    record.record(top, programs, kind, operation, folder, COUNT)
    tally, _ = trial.read_by_grub(folder, STATES, seed, True)
    return tally.violations[0] if tally.violations else None


def run(top, seed, only):
    """Tries each mutant whose name matches `only`; prints TAP and returns the exit status."""
    chosen = [each for each in MUTANTS if fnmatch.fnmatch("%s on %s" % each[:2], only)]
    if not chosen:
        raise ValueError("no mutant matches '%s'; there are\n  %s" % (
            only, "\n  ".join("%s on %s" % each[:2] for each in MUTANTS)))
    shutil.rmtree(top, ignore_errors=True)
    source = os.path.join(top, "source")
    copy_tree(source)
    with open(os.path.join(source, FILE), encoding="utf-8") as text:
        original = text.read()
    broken = 0
    print(f"1..{len(chosen)}")
    for number, (name, where, *changes) in enumerate(chosen, 1):
        found = try_one(top, build(source, changed(original, changes)), where, seed)
        good = bool(found) == bool(changes)
        broken += not good
        print(f"{'ok' if good else 'not ok'} {number} - without {name} on {where}: "
              f"{found or 'nothing is found'}", flush=True)
    return 1 if broken else 0
