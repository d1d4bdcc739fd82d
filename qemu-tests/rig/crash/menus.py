# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a boot loader finds: the menus of a recording, the files that they name, and the verdicts.

    old, new    the menu before or after the change, and every file that it names
    late        the complete old menu, although the change has been reported as done
    restart     old or new came up, but only at the second start (if a complete disk is booted)
    shorter     one of the first three, but files of an entry are missing; the old or the new tree
                starts, because both readers skip such an entry

Any other verdict is a sentence that says what is wrong.
"""

import collections
import os
import re
import zlib

from rig.crash import writelog

VERDICTS = ("old", "new", "late", "shorter", "restart")
END = b"rootstock_complete=1\n"
KERNELS = {"grub.cfg": rb"linux '(/[^']+)'.*\n\s*initrd '(/[^']+)'",
           "uEnv.txt": rb"(?m)^kernel_image\d*=(/\S+)\n(?:.*\n)?ramdisk_image\d*=(/\S+)$"}

# What a reader finds: the menu's generation, the files of the entry that starts, and whether every
# file that the menu names is there.
Reading = collections.namedtuple("Reading", "generation started whole")


def entries(name, menu):
    """[(kernel, initramfs)] of the entries of a menu, as paths."""
    return [tuple(path.decode() for path in pair) for pair in re.findall(KERNELS[name], menu)]


def content(path):
    """The bytes that a file named by a menu must have."""
    name, version = re.fullmatch(r"(\w+)-6\.1\.(\d+)(?:\.img)?", os.path.basename(path)).groups()
    return writelog.content(name, int(version))


def complete(name, menu):
    """Whether the loader accepts a menu: it must have an end that belongs to the rest."""
    if not menu.endswith(END):
        return False
    if name == "uEnv.txt":
        found = re.search(rb"^rootstock_crc32=([0-9a-f ]+)\n[^\n]*\n\Z", menu, re.MULTILINE)
        return not found or bytes.fromhex(found[1].decode()) == zlib.crc32(
            menu[:found.start()]).to_bytes(4, "big")
    start = re.search(rb"^function (\w+) \{$", menu, re.MULTILINE)
    return bool(start and b"\n%s menuentry\n" % start[1] in menu)


def generation_of(recording, name, menu):
    """The generation of a menu, or None."""
    return next((generation for generation, menus in recording.menus.items()
                 if menus[name] == menu), None)


def find(recording, name, read):
    """What a reader finds: a Reading, or a sentence that says what is wrong. read(path) returns the
    bytes of a file, or None."""
    for directory in recording.directories:
        menu = read(f"/{directory}/{name}")
        if menu is None or not complete(name, menu):
            continue
        generation = generation_of(recording, name, menu)
        if generation is None:
            return f"{directory}/{name} is a mixture"
        found = try_entries(entries(name, menu), read)
        return found if isinstance(found, str) else Reading(generation, *found)
    return "no menu"


def try_entries(menu, read):
    """(the entry that starts, whether all entries have their files), or a sentence that says what
    is wrong."""
    started, whole = None, True
    for entry in menu:
        files = [read(path) for path in entry]
        # Our menus skip an entry with an empty file, as with a missing one.
        if not all(files):
            whole = False
        elif any(data != content(path) for path, data in zip(entry, files)):
            if not started:
                return f"{entry[0]} is torn, and starts"
            whole = False
        else:
            started = started or entry
    return (started, whole) if started else "no entry has its files"


def judge(recording, name, window, found):
    """The verdict on what a reader found."""
    if isinstance(found, str):
        return found
    word = standing(window, found.generation)
    if found.whole or word not in VERDICTS:
        return word
    legal = [entries(name, recording.menus[generation][name])[0]
             for generation in window.legal | {window.committed - 1} if generation >= 0]
    return "shorter" if found.started in legal else f"{found.started[0]} starts"


def standing(window, generation):
    """Compares a generation with those that the guest has finished and begun."""
    if generation == window.committed:
        return "old" if window.changing else "new"
    if generation == window.changing:
        return "new"
    if generation == window.committed - 1:
        return "late"
    return f"generation {generation} where {' or '.join(map(str, sorted(window.legal)))} is legal"
