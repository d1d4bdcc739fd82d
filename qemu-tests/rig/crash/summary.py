# SPDX-License-Identifier: LGPL-2.1-or-later
"""The output of the trials: a line of TAP as each ends, and a table of all."""

import os
import time

from rig.crash import menus

COLUMNS = ("states", "differ") + menus.VERDICTS + ("wrong", "seconds")


def tell(number, name, tallies, options):
    """Prints a trial's line of TAP, and how to reproduce what was wrong; returns 1 if it failed."""
    wrong = [(tally, text) for tally in tallies for text in tally.violations]
    print("%s %d - %s: %s" % ("not ok" if wrong else "ok", number, name, ", ".join(
        "%d states for %s" % (tally.built, tally.loader) for tally in tallies)))
    for tally, text in wrong[:10]:
        print(f"# {tally.loader}: {text}")
        again = ("--only " + name if tally.operation == "faults" else
                 f"--show {name} --state {text.split(':')[0]}")
        print(f"#   qemu-tests/crash --build {os.path.relpath(options.build)} "
              f"--seed {options.seed} {again}")
    if wrong:
        print(f"# {len(wrong)} are wrong")
    return 1 if wrong else 0


def table(tallies, seconds):
    """A table with a row for each file system, operation and loader."""
    rows = [("file system", "operation", "loader") + COLUMNS]
    total = [0] * len(COLUMNS)
    for tally in sorted(tallies, key=lambda tally: (tally.operation, tally.name, tally.loader)):
        counts = [tally.built, tally.judged]
        counts += [tally.verdicts[verdict] for verdict in menus.VERDICTS]
        counts += [len(tally.violations), round(tally.seconds)]
        total = [sum(pair) for pair in zip(total, counts)]
        rows.append((tally.kind, tally.operation, tally.loader) + tuple(counts))
    rows.append(("all", "", "") + tuple(total[:-1]) + (round(seconds),))
    wide = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(
        str(cell).ljust(size) if column < 3 else str(cell).rjust(size)
        for column, (cell, size) in enumerate(zip(row, wide))) for row in rows)


def headline(trials, broken, seed):
    """The line above the table of a run."""
    return f"{broken} of {trials} trials failed, seed {seed}, {time.strftime('%Y-%m-%d %H:%M:%S')}"
