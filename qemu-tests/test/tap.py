# SPDX-License-Identifier: LGPL-2.1-or-later
"""TAP for the rig's own tests: check() as often as needed, end() once."""

import os

RESULTS = []


def check(good, text, seen=None):
    """One line of the result; `seen` is shown when it failed."""
    RESULTS.append(bool(good))
    print("%sok %d - %s" % ("" if good else "not ", len(RESULTS), text))
    if not good and seen is not None:
        print("#   %s" % str(seen).replace("\n", "\n#   "))


def skip(text, why):
    """A check that cannot be made here."""
    RESULTS.append(True)
    print("ok %d - %s # SKIP %s" % (len(RESULTS), text, why))


def raises(kind, call, *arguments):
    """The text of the exception that the call raises, or None."""
    try:
        call(*arguments)
    except kind as error:
        return str(error)
    return None


def write(folder, name, text):
    """A file with a text; returns its path."""
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    return path


def end():
    """The plan; returns the exit status."""
    print("1..%d" % len(RESULTS))
    return 0 if all(RESULTS) else 1
