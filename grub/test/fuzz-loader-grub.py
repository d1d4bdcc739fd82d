#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random options through the generator and real GRUB for SECONDS (60), with seeds from SEED (the
time) upwards; a failure prints the seed, with which test-roundtrip-grub.py repeats it."""
import os
import random
import sys
import tempfile
import time

import emu
import loadervalues
from testlib import realgrub


def main():
    if missing := realgrub.missing() or emu.missing():
        print(f"{missing} is not installed")
        return 1
    end = time.monotonic() + int(os.environ.get("SECONDS", "60"))
    seed, counts = int(os.environ.get("SEED", time.time())), [0, 0]
    print(f"GRUB: from seed {seed} on", flush=True)
    with tempfile.TemporaryDirectory() as where:
        grub = realgrub.RealGrub(where + "/grub")
        while time.monotonic() < end:
            try:
                counts[0] += loadervalues.emulated(where, random.Random(seed))
                counts[1] += loadervalues.booted(where, random.Random(seed), grub)
            except AssertionError as reason:
                print(f"SEED={seed} fails: {reason}")
                return 1
            seed += 1
    print(f"GRUB: {counts[0]} lines of options arrived in grub-emu and {counts[1]} in a kernel, "
          f"up to seed {seed - 1}")
    return 0


sys.exit(main())
