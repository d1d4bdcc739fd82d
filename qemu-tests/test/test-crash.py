#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The judges of the power cuts interpret their input correctly. `make crash MUTANTS=1` shows that
the trials find faults."""

import os
import sys

from rig.crash import menus, mutants, ubootjudge
from rig.crash.writelog import content
from rig.disk import image
from testlib import tap


def sources():
    """What the trials and their mutants replace is in the sources. `make crash` runs too seldom to
    be the first that notices."""
    error = tap.raises(RuntimeError, ubootjudge.boot_script)
    tap.check(not error, "U-Boot's script can be changed for the trials", error)
    with open(os.path.join(os.path.dirname(image.HERE), mutants.FILE), encoding="utf-8") as source:
        text = source.read()
    for name, where, *changes in (each for each in mutants.MUTANTS if len(each) > 2):
        error = tap.raises(RuntimeError, mutants.changed, text, changes)
        tap.check(not error, f"the text of the mutant without {name}, on {where}", error)


class Starts:
    """Plays a U-Boot that crashes in some states, and in any state after it has read three."""

    count = 8

    def __init__(self, deadly):
        self.deadly, self.firsts = deadly, []

    def run(self, _folder, disk, first):
        """The output of one start, and whether it reached the end."""
        self.firsts.append(first)
        said = []
        for number in range(first, disk.count + 1):
            said.append(f"state {number}")
            if number in self.deadly or len(said) > 3:
                return said, False
        return said, True


def deaths():
    """Only a crash in the first state of a start counts."""
    real = ubootjudge.run
    for deadly, firsts in (((), [1, 4, 7]), ((5,), [1, 4, 5, 6]), ((8,), [1, 4, 7, 8])):
        starts = Starts(deadly)
        ubootjudge.run = starts.run
        said = ubootjudge.say("folder", starts)
        wanted = [ubootjudge.DIED if number in deadly else f"state {number}"
                  for number in range(1, 9)]
        tap.check((said, starts.firsts) == (wanted, firsts),
                  f"U-Boot crashes in: {deadly or 'no state'}", (said, starts.firsts))
    ubootjudge.run = real
    tap.check(ubootjudge.understand(None, ubootjudge.DIED) == "U-Boot dies of it",
              "a crash is reported as wrong")


def files():
    """The first entry that has its files starts; an empty file counts as missing."""
    pairs = [(f"/k/vmlinuz-6.1.{version}", f"/k/initramfs-6.1.{version}.img")
             for version in (1, 2)]
    whole = {path: content(name, version) for version, pair in enumerate(pairs, 1)
             for name, path in zip(("vmlinuz", "initramfs"), pair)}
    for change, wanted in (({}, (pairs[0], True)), ({pairs[0][1]: None}, (pairs[1], False)),
                           ({pairs[0][1]: b""}, (pairs[1], False)),
                           ({pairs[1][0]: b"x"}, (pairs[0], False)),
                           ({pairs[0][1]: b"x"}, pairs[0][0] + " is torn, and starts"),
                           (dict.fromkeys(whole), "no entry has its files")):
        found = menus.try_entries(pairs, (whole | change).get)
        tap.check(found == wanted, f"files: {sorted(change.items()) or 'all'}", found)


sources()
deaths()
files()
sys.exit(tap.end())
