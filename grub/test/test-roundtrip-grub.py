#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Thousands of random options pass through the generator and real GRUB, always the same ones unless
SEED is set; fuzz-loader-grub.py does the same for a given time."""
import sys

import emu
import kernelargs
import loadervalues
from testlib import realgrub
from testlib import tap


def judge(where):
    """kernelargs.py gives known results of Linux and GRUB, so it does not just repeat our code."""
    for line, words in {
            b' a  b=c\t"d e"\x0bf="g h" "i=j k"': [
                (b"a", None), (b"b", b"c"), (b"d e", None), (b"f", b"g h"), (b"i", b"j k")],
            b'a"b c"d =x x==y z= q="" ""': [
                (b'a"b c"d', None), (b"=x", None), (b"x", b"=y"), (b"z", b""), (b"q", b""),
                (b"", None)],
            b'a="b"c" d" e\xa0f "g=h"i': [
                (b"a", b'b"c" d'), (b"e", None), (b"f", None), (b"g", b'h"i')]}.items():
        assert kernelargs.parse(line) == words, kernelargs.parse(line)
    assert kernelargs.by_grub(rb"""a'b"c\d""") == rb"a\'b\"c\\d"
    assert kernelargs.by_grub(b"a b") == b'"a b"'
    assert kernelargs.through_grub(b'x="a b" y') == b'BOOT_IMAGE=/boot/k "x=a b" y'
    assert kernelargs.through_grub(b"x='a'") is None
    assert kernelargs.through_grub(b"x" * 2028) is not None
    assert kernelargs.through_grub(b"x" * 2029) is None


def in_emulator(where):
    tap.repeat(12, lambda random: loadervalues.emulated(where, random))


def in_kernel(where):
    grub = realgrub.RealGrub(where + "/grub")
    tap.repeat(8, lambda random: loadervalues.booted(where, random, grub))


def unless(missing, tests):
    return tap.skipped(tests, f"{missing} is not installed") if missing else tests


sys.exit(tap.main(
    [("round trip: kernelargs.py is correct", judge)] +
    unless(emu.missing(), [("round trip: 6000 lines in grub-emu", in_emulator)]) +
    unless(realgrub.missing(), [("round trip: 8 boots with full command lines", in_kernel)])))
