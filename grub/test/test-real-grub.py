#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Our grub.cfg in a real GRUB: each case of hostile.py that boots, and the fallbacks."""
import functools
import os
import sys
import tempfile
from random import Random

from testlib import realgrub
import sysroot
from testlib import tap
from testlib.hostile import CASES, entry

MISSING = realgrub.missing()


def prepare(where, entries, kernel="/boot/k", custom=b"set timeout=0\n"):
    """Makes the content of a disk, with the symlink /boot/boot that libostree makes."""
    root = where + "/root"
    out = sysroot.make(root, entries)
    status, _, said = sysroot.generate("-o", out)
    assert status == 0, said
    os.symlink(".", root + "/boot/boot")
    # GRUB reads the menu through the symlink, as the stub in /boot/grub would.
    sysroot.write(root + "/boot/grub/grub.cfg", b"configfile /boot/loader/grub.cfg\n")
    sysroot.write(root + "/boot/grub/custom.cfg", custom)
    sysroot.write(root + kernel, GRUB["all"].kernel)
    sysroot.write(root + "/boot/i1", b"1" * 4000)
    sysroot.write(root + "/boot/i2", b"2" * 1000)
    return root


def boots(where, root, cmdline, initrd=0, kernel="/boot/k", modules="all"):
    image = b"BOOT_IMAGE=" + (f'"{kernel}"' if " " in kernel else kernel).encode()
    found = GRUB[modules].boot(root)
    assert found == ((image + b" " + cmdline).rstrip(b" "), initrd), found


def hostile(case, where):
    boots(where, prepare(where, case.entries, case.kernel), case.cmdline, case.initrd, case.kernel)


TWO = {"ostree-2.conf": entry(b"new", b"N", b"version 2\n"), "ostree-1.conf": entry(b"old", b"O")}
THREE = TWO | {"ostree-3.conf": b"title X\nversion 3\nlinux /gone\n"}


def custom_default(where):
    boots(where, prepare(where, TWO, custom=b"set timeout=0\nset default=1\n"), b"old")


def custom_default_by_id(where):
    boots(where, prepare(where, TWO, custom=b"set timeout=0\nset default=ostree-1\n"), b"old")


def chosen_entry_falls_back_to_first(where):
    entries = {"ostree-2.conf": entry(b"new", b"N", b"version 2\n"),
               "ostree-1.conf": b"title X\nversion 1\nlinux /gone\n"}
    boots(where, prepare(where, entries, custom=b"set timeout=0\nset default=1\n"), b"new")


def custom_fallback(where):
    boots(where, prepare(where, THREE, custom=b"set timeout=0\nset fallback=2\n"), b"old")


def broken_custom(where):
    boots(where, prepare(where, TWO, custom=b"set timeout=0\n'\n"), b"new")


def no_test_module(where):
    """Without the module test the entry is booted unchecked, after a pause for GRUB's errors."""
    boots(where, prepare(where, TWO | {"ostree-2.conf": entry(
        b"new", b"N", b"version 2\ndevicetree /i1\n")}), b"new", modules="few")


def random_words(where, seed):
    """Random words, some with blanks in quotes, arrive, as many as fit into one command line."""
    random = Random(seed)
    plain = bytes(set(range(1, 256)) - set(b"\"'\\\t\n\v\f\r \xa0"))
    given, expected = [], []
    while sum(map(len, expected)) + len(expected) < 1950:
        word = bytes(random.choices(plain, k=random.randrange(1, 16)))
        if random.random() < 0.2:
            word += b" " * random.randrange(1, 4) + bytes(random.choices(plain + b" \t", k=5))
            given.append(b'"' + word + b'"')
            expected.append(b'"' + word + b'"')
        else:
            given.append(word)
            expected.append(word)
    entries = {"ostree-1.conf": entry(b" \t".join(given))}
    print(f"# seed {seed}: {len(given)} words")
    boots(where, prepare(where, entries), b" ".join(expected))


def separate_boot(where):
    """If /boot is a file system of its own, paths /boot/... work by the symlink boot -> ."""
    root = prepare(where, TWO)
    boots(where, root + "/boot", b"new", modules="boot")


def root_device_named_by_user(where):
    """Without the symlink loader, as on a FAT /boot, paths have no prefix."""
    root = where + "/root"
    for name, content in TWO.items():
        sysroot.write(f"{root}/boot/loader/entries/{name}", content)
    out = root + "/boot/loader/grub.cfg"
    assert sysroot.generate("-o", out)[0] == 0
    sysroot.write(root + "/boot/grub/grub.cfg", b"configfile /loader/grub.cfg\n")
    sysroot.write(root + "/boot/grub/custom.cfg", b"set timeout=0\n")
    sysroot.write(root + "/boot/k", GRUB["all"].kernel)
    boots(where, root + "/boot", b"new", kernel="/k", modules="boot")


TESTS = [(f"real GRUB: {case.name}", functools.partial(hostile, case))
         for case in CASES if case.titles]
TESTS += [(f"real GRUB: {test.__name__.replace('_', ' ')}", test) for test in (
    custom_default, custom_default_by_id, chosen_entry_falls_back_to_first, custom_fallback,
    broken_custom, no_test_module, separate_boot, root_device_named_by_user)]
TESTS += [(f"real GRUB: random words, seed {seed}", functools.partial(random_words, seed=seed))
          for seed in range(int(os.environ.get("SEED", "1")),
                            int(os.environ.get("SEED", "1")) + (4 if tap.LONG else 1))]

with tempfile.TemporaryDirectory() as rig:
    GRUB = {}
    if MISSING:
        TESTS = tap.skipped(TESTS, f"{MISSING} is not installed")
    else:
        GRUB["all"] = realgrub.RealGrub(rig + "/all")
        GRUB["few"] = realgrub.RealGrub(rig + "/few", [
            module for module in realgrub.MODULES if module not in ("test", "echo", "true")])
        GRUB["boot"] = realgrub.RealGrub(rig + "/boot", prefix="(hd1)/grub")
    sys.exit(tap.main(TESTS))
