#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random options through the generator and a real U-Boot for SECONDS (60), with seeds from SEED
(the time) upwards; a failure prints the seed, with which test-roundtrip.py repeats it."""
import os
import random
import sys
import tempfile
import time

from testlib import realuboot
import roundtrip

FILES = 60  # as in test-roundtrip.py


def main():
    if missing := realuboot.missing():
        print(f"{missing} is not installed")
        return 1
    end = time.monotonic() + int(os.environ.get("SECONDS", "60"))
    seed, count = int(os.environ.get("SEED", time.time())), 0
    print(f"U-Boot: from seed {seed} on", flush=True)
    while time.monotonic() < end:
        arch = ("arm", "arm64")[seed % 2]
        with tempfile.TemporaryDirectory() as where:
            try:
                count += roundtrip.both(where, arch, random.Random(seed), FILES)
            except AssertionError as reason:
                print(f"SEED={seed} fails on {arch}: {reason}")
                return 1
        seed += 1
    print(f"U-Boot: {count} values arrived, up to seed {seed - 1}")
    return 0


sys.exit(main())
