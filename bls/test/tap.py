# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs test functions and says so in TAP; random ones can be repeated by their seed."""
import os
import random
import sys
import tempfile
import traceback

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../qemu-tests"))
from rig.slowness import limit  # pylint: disable=wrong-import-position,unused-import

LONG = bool(os.environ.get("LONG"))  # whether what takes long is to run too
BUILD = os.path.abspath(os.environ.get("BUILD", "build/x86_64"))


class Skip(Exception):
    """Raised by a test that cannot be tried here; the text says why."""


def skipped(tests, why):
    """The same tests, none of which is tried."""
    def skip(where):
        raise Skip(why)
    return [(name, skip) for name, _ in tests]


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def repeat(count, test):
    """Calls test(random numbers) with the seeds 1 to count, or only with SEED from the environment.

    What fails names its seed, so that it can be had again alone.
    """
    given = os.environ.get("SEED")
    for seed in [int(given)] if given else range(1, count + 1):
        try:
            test(random.Random(seed))
        except Exception as reason:
            raise AssertionError(f"SEED={seed} fails") from reason


def main(tests):
    """Each test is (name, function of a fresh directory). Returns the exit status."""
    if not tests:
        print("Bail out! there are no tests")
        return 1
    print(f"1..{len(tests)}")
    bad = 0
    for number, (name, function) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as where:
            try:
                function(where)
                print(f"ok {number} - {name}")
            except Skip as reason:
                print(f"ok {number} - {name} # SKIP {reason}")
            except Exception:
                bad = 1
                print(f"not ok {number} - {name}")
                print("".join("# " + line for line in traceback.format_exc().splitlines(True)))
        sys.stdout.flush()
    return bad
