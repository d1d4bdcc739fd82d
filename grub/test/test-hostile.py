#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of hostile.py: the text of grub.cfg, the messages and the exit status."""
import functools
import os
import sys

import sysroot
from testlib import tap
from testlib.hostile import CASES


def check(case, where):
    out = sysroot.make(where, case.entries)
    status, printed, said = sysroot.generate("-o", out)
    sysroot.check_says(said, case.says)
    assert printed == b""
    if not case.titles:
        assert status == 1, status
        assert os.listdir(os.path.dirname(out)) == ["entries"], "something was written"
        return
    assert status == 0, status
    cfg = sysroot.read(out)
    sysroot.script_check(cfg)
    menu = sysroot.parse(cfg)
    titles = [title.encode("latin-1").decode() for title, *_ in menu]
    assert titles == case.titles, titles
    assert cfg.endswith(b"\nset rootstock_complete=1\n")
    # A second run writes the same bytes and adds none.
    assert sysroot.generate("-o", out)[0] == 0
    assert sysroot.read(out) == cfg
    usable = [words for _, _, words, initrds in menu
              if words[0] == case.kernel and not any("gone" in i for i in initrds)]
    if case.titles[0] == "A" and len(usable) > 1:  # the entry for another machine
        del usable[0]
    assert sysroot.to_kernel(usable[0][1:]) == case.cmdline, usable[0]


sys.exit(tap.main([(case.name, functools.partial(check, case)) for case in CASES]))
