#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every case of hostile.py: the values in uEnv.txt, the messages and the exit status."""
import functools
import os
import sys

import sysroot
from testlib import tap
from testlib.hostile import CASES


def check(case, where):
    out = sysroot.make(where, case.entries)
    status, printed, said = sysroot.generate("-o", out)
    sysroot.check_says(said, case.says if case.uboot_says is None else case.uboot_says)
    assert printed == b""
    expected = case.uboot
    if expected is None:
        expected = [case.cmdline] if case.titles else []
    if not expected:
        assert status == 1, status
        assert os.listdir(os.path.dirname(out)) == ["entries"], "something was written"
        return
    assert status == 0, status
    uenv = sysroot.read(out)
    entries, others = sysroot.parse(uenv)
    assert [values.get("bootargs", b"") for values in entries] == expected, entries
    assert not others, others
    # A second run writes the same bytes and adds none.
    assert sysroot.generate("-o", out)[0] == 0
    assert sysroot.read(out) == uenv


sys.exit(tap.main([(case.name, functools.partial(check, case)) for case in CASES]))
