# SPDX-License-Identifier: LGPL-2.1-or-later
"""The results of a test in TAP, in one of two ways: main() runs functions, each of which is one
result; in a script, check() reports each step, and end() the plan.

BUILD is the folder of the programs; LONG is true if long tests shall run too."""
import os
import random
import sys
import tempfile
import traceback

LONG = bool(os.environ.get("LONG"))
BUILD = os.path.abspath(os.environ.get("BUILD", "build/x86_64"))
RESULTS = []  # of check() and skip()


class Skip(Exception):
    """Raised by a test that cannot run here; the text gives the reason."""


def result(number, good, name, notes="", skip=""):
    """Prints one result; `notes` are shown below it."""
    print(f"{'ok' if good else 'not ok'} {number} - {name}" + (f" # SKIP {skip}" if skip else ""))
    for note in str(notes).splitlines():
        print("#   " + note)
    sys.stdout.flush()


def main(tests):
    """Each test is (name, function of a new directory). Returns the exit status."""
    if not tests:
        print("Bail out! there are no tests")
        return 1
    print(f"1..{len(tests)}")
    bad = 0
    for number, (name, function) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as where:
            try:
                function(where)
                result(number, True, name)
            except Skip as reason:
                result(number, True, name, skip=reason)
            except Exception:  # pylint: disable=broad-except
                bad = 1
                result(number, False, name, traceback.format_exc())
    return bad


def skipped(tests, why):
    """The same tests for main(), all skipped for this reason."""
    def skip(where):
        raise Skip(why)
    return [(name, skip) for name, _ in tests]


def repeat(count, test):
    """Calls test(random numbers) with the seeds 1 to count, or only with SEED from the environment.

    A failure names its seed, so that it can be repeated alone.
    """
    given = os.environ.get("SEED")
    for seed in [int(given)] if given else range(1, count + 1):
        try:
            test(random.Random(seed))
        except Exception as reason:
            raise AssertionError(f"SEED={seed} fails") from reason


def check(good, text, seen=None):
    """One result of a script; `seen` is shown if it failed."""
    RESULTS.append(bool(good))
    result(len(RESULTS), good, text, "" if good or seen is None else seen)


def skip(text, why):
    """A check that cannot be made here."""
    RESULTS.append(True)
    result(len(RESULTS), True, text, skip=why)


def end():
    """Prints the plan of a script; returns the exit status."""
    print(f"1..{len(RESULTS)}")
    return 0 if all(RESULTS) else 1


def raises(kind, call, *arguments):
    """The text of the exception of this kind that the call raises, or None."""
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    return None


def write(path, content):
    """Makes a file of these bytes, and its folder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def write_text(folder, name, text):
    """Makes a file with a text in a folder; returns its path."""
    path = os.path.join(folder, name)
    write(path, text.encode())
    return path


def read(path):
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()
