#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the judges of the power cuts make of what they hear. That the trials find what is wrong, is
shown by make crash MUTANTS=1."""

import sys

from rig.crash import menus, ubootjudge
from rig.crash.writelog import content
from testlib import tap


class Starts:
    """A U-Boot that dies of some states, and of any once it has read 3."""

    count = 8

    def __init__(self, deadly):
        self.deadly, self.firsts = deadly, []

    def run(self, _folder, disk, first):
        """What one start says."""
        self.firsts.append(first)
        said = []
        for number in range(first, disk.count + 1):
            said.append("state %d" % number)
            if number in self.deadly or len(said) > 3:
                return said, False
        return said, True


def deaths():
    """Only what U-Boot dies of at once has ended it by itself."""
    real = ubootjudge.run
    for deadly, firsts in (((), [1, 4, 7]), ((5,), [1, 4, 5, 6]), ((8,), [1, 4, 7, 8])):
        starts = Starts(deadly)
        ubootjudge.run = starts.run
        said = ubootjudge.say("folder", starts)
        wanted = [ubootjudge.DIED if number in deadly else "state %d" % number
                  for number in range(1, 9)]
        tap.check((said, starts.firsts) == (wanted, firsts), "what U-Boot dies of: %s" % (
            deadly or "nothing",), (said, starts.firsts))
    ubootjudge.run = real
    tap.check(ubootjudge.understand(None, ubootjudge.DIED) == "U-Boot dies of it",
              "which is no verdict")


def files():
    """What starts is the first entry that has its files, an empty one being none."""
    pairs = [("/k/vmlinuz-6.1.%d" % version, "/k/initramfs-6.1.%d.img" % version)
             for version in (1, 2)]
    whole = {path: content(name, version) for version, pair in enumerate(pairs, 1)
             for name, path in zip(("vmlinuz", "initramfs"), pair)}
    for change, wanted in (({}, (pairs[0], True)), ({pairs[0][1]: None}, (pairs[1], False)),
                           ({pairs[0][1]: b""}, (pairs[1], False)),
                           ({pairs[1][0]: b"x"}, (pairs[0], False)),
                           ({pairs[0][1]: b"x"}, pairs[0][0] + " is torn, and starts"),
                           (dict.fromkeys(whole), "no entry has its files")):
        found = menus.try_entries(pairs, (whole | change).get)
        tap.check(found == wanted, "files: %s" % (sorted(change.items()) or "all"), found)


deaths()
files()
sys.exit(tap.end())
