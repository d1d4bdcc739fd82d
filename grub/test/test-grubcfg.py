#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ostree-grub-generator, where it differs from other generators, and golden files.

UPDATE=1 in the environment rewrites the golden files; review the diff.
"""
import functools
import os
import sys

import sysroot
from testlib import tap
from testlib.hostile import GOOD, entry
from sysroot import fails, generate, make, parse, read, write

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")


def golden(name, where):
    directory = f"{GOLDEN}/{name}"
    status, cfg, said = generate("-o", "-", "--entries", directory, "--boot-prefix", "/boot",
                                 "--root", where)
    assert status == 0 and not said, said
    sysroot.script_check(cfg)
    if os.environ.get("UPDATE"):
        write(directory + "/grub.cfg", cfg)
    assert cfg == read(directory + "/grub.cfg"), "differs from " + directory + "/grub.cfg"


def hook_on_efi(where):
    # On EFI the output is not next to the entries; in the hook only loader.N's entries count.
    make(where, {"ostree-1.conf": entry(b"new", b"new")})
    write(where + "/boot/loader.0/entries/ostree-1.conf", entry(b"old", b"old"))
    write(where + "/boot/efi/EFI/debian/entries/x.conf", entry(b"no", b"no"))
    out = where + "/boot/efi/EFI/debian/grub.cfg.new"
    for version, title in (("0", "old"), ("1", "new")):
        assert generate("-o", out, _OSTREE_GRUB2_BOOTVERSION=version) == (0, b"", [])
        assert [title for title, *_ in parse(read(out))] == [title]
    assert generate("-o", out)[0] == 0
    assert [title for title, *_ in parse(read(out))] == ["no"]


def prefix_for_grub(where):
    out = make(where, {"ostree-1.conf": GOOD})
    fails(["-o", out, "--boot-prefix", "/a)"], 'GRUB cannot use a path with', "no menu")


def titles_are_shown(where):
    """Control characters in titles are replaced, also C1 in UTF-8; letters stay."""
    wrong, right = b"a\x1b[2J\xc2\x9b1m\xc2\x80\x7fb", "gr\u00fc\u00df \u20ac \u0680".encode()
    out = make(where, {"ostree-1.conf": b"title " + wrong + b"\nlinux /k\n",
                       "ostree-2.conf": b"title " + right + b"\nlinux /k\n"})
    assert generate("-o", out)[0] == 0
    # parse() returns bytes as Latin-1.
    titles = {title.encode("latin-1") for title, *_ in parse(read(out))}
    assert titles == {b"a [2J  1m   b", right}, titles


def stable_ids(where):
    target = b"ostree=/ostree/boot.%d/debian/c0ffee/0"
    entries = {"ostree-2.conf": entry(target % 1, more=b"version 2\n"),
               "ostree-1.conf": entry(b'"' + target % 0 + b'"'),
               "ostree-3-x.conf": entry(b"ostree=/ostree/boot.1.1/x/y/12", more=b"version 3\n"),
               "ostree-4.conf": entry(b"ostree=/ostree/root.a", more=b"version 4\n"),
               "ostree-5.conf": entry(b"ostree=/ostree/boot.1x/a/b/0", more=b"version 5\n"),
               "ostree-6.conf": entry(b"ostree=/ostree/boot.1/a/b", more=b"version 6\n"),
               "ostree-7.conf": entry(b"ostree=/ostree/boot.1/a/b/0/c", more=b"version 7\n"),
               "12.conf": GOOD, "6.1+3-0.conf": GOOD,
               "debian.conf": entry(target % 1)}
    out = make(where, entries)
    assert generate("-o", out)[0] == 0
    assert [ident for _, ident, *_ in parse(read(out))] == [
        "entry-12", "6.1", "ostree-7", "ostree-6", "ostree-5", "ostree-4", "ostree-x-y-12",
        "ostree-debian-c0ffee-0", "ostree-debian-c0ffee-0", "debian"]


TESTS = [(f"golden {name}", functools.partial(golden, name)) for name in sorted(os.listdir(GOLDEN))]
TESTS += [(test.__name__.replace("_", " "), test) for test in (
    hook_on_efi, prefix_for_grub, titles_are_shown, stable_ids)]
sys.exit(tap.main(TESTS))
