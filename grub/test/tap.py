# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs test functions and says so in TAP."""
import os
import sys
import tempfile
import traceback

PROGRAM = os.path.abspath(os.path.join(os.environ.get("BUILD", "build/x86_64"),
                                       "ostree-grub-generator"))


class Skip(Exception):
    """Raised by a test that cannot be tried here; the text says why."""


def skipped(tests, why):
    """The same tests, none of which is tried."""
    def skip(where):
        raise Skip(why)
    return [(name, skip) for name, _ in tests]


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
