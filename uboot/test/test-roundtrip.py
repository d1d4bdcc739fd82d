#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Values of bytes 1 to 255 pass unchanged from an entry through a real U-Boot to /chosen."""
import functools
import os
import random
import sys

from testlib import realuboot
import roundtrip
from testlib import tap

FILES = 60  # of nine values each, and as many single ones
SEED = int(os.environ.get("SEED", "1"))
MISSING = realuboot.missing()


def every_byte(arch, where):
    """Each byte inside a value, alone and doubled, and at its start and end."""
    bytes_ = [bytes([byte]) for byte in range(1, 256) if byte != 10]
    values = [b"a" + byte + byte + b"b" + byte + b"c" for byte in bytes_]
    values += [byte + b"x" + byte for byte in bytes_ if byte not in roundtrip.BLANKS]
    step = roundtrip.ENTRIES
    roundtrip.imported(where, arch, [values[i:i + step] for i in range(0, len(values), step)])
    roundtrip.chosen(where, arch, [b"".join(values[i:i + 99]) for i in range(0, len(values), 99)])


def random_values(arch, seed, where):
    print(f"# {arch}: SEED={seed}")
    count = roundtrip.both(where, arch, random.Random(seed), FILES)
    print(f"# {arch}: {count} values")


def unwarned(arch, where):
    """A board's script does not change the values for which there is no warning."""
    values = [b"a" + bytes([byte]) + b"b" for byte in range(1, 256) if byte != 10]
    values += [b"#a", b"a #b", b"a# b", b"a  b", b"a" + b" b" * 12, b"a" + b" b" * 13]
    rnd = random.Random(SEED)
    values += [roundtrip.options(rnd).replace(b"\\", b"") or b"a" for _ in range(60)]
    count = roundtrip.rewritten(where, arch, values)
    print(f"# {arch}: SEED={SEED}, {count} of {len(values)} values without a warning")
    # All bytes except ' " \ TAB, 4 and CR, and two of the other values.
    assert count >= 248 + 2, count


def longest(arch, where):
    roundtrip.chosen(where, arch, [b"x" * 2047, b"\\" * 2047])


def libostree_would_lose_backslashes(arch, where):
    """The test would detect missing escapes: without them a backslash is lost."""
    uenv = roundtrip.generate(where, [rb"a=\x2d"])
    assert rb"\\x2d" in uenv
    found = realuboot.imports(where, arch, [uenv.replace(b"\\\\", b"\\")])
    assert found[0][b"bootargs"] == b"a=x2d", found


TESTS = [(f"{arch}: {test.__name__.replace('_', ' ')}", functools.partial(test, arch))
         for arch in ("arm", "arm64")
         for test in (every_byte, unwarned, longest, libostree_would_lose_backslashes)]
TESTS += [(f"{arch}: random values, seed {seed}", functools.partial(random_values, arch, seed))
          for arch in ("arm", "arm64") for seed in (SEED, SEED + 1)]
if MISSING:
    TESTS = tap.skipped(TESTS, f"{MISSING} is not installed")
sys.exit(tap.main(TESTS))
