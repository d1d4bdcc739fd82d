# SPDX-License-Identifier: LGPL-2.1-or-later
"""What CI can bear: the cells of its tier take CI_SECONDS at most, by the file `times`. As a
program (`python3 -m rig.report.budget`, which `make lint` runs) it says how many are left, or what
is wrong."""

import os
import sys

from rig import cells
from rig.report import times
from rig.host.kernels import HERE

# The sum over all cells. CI has an hour for everything, and runs two cells at a time.
CI_SECONDS = 3600


def findings(tiers, table):
    """What is wrong with {cell: tier} and {cell: seconds}, as a list of sentences."""
    found = [f"{name} has no line in qemu-tests/times: run it and write down its seconds"
             for name in sorted(set(tiers) - set(table))]
    found += [f"qemu-tests/times has {name}, which is not a cell: remove the line"
              for name in sorted(set(table) - set(tiers))]
    if left(tiers, table) < 0:
        found.append(f"the cells of tier ci take {CI_SECONDS - left(tiers, table):.0f} seconds, "
                     f"{-left(tiers, table):.0f} more than CI has: move some to tier release")
    return found


def left(tiers, table):
    """How many of CI's seconds are left."""
    return CI_SECONDS - sum(table.get(name, 0) for name, tier in tiers.items() if tier == "ci")


def main():
    """Prints the findings, or the seconds left; returns an exit status."""
    tiers = {cell["name"]: cell["tier"] for cell in cells.load(HERE)}
    table = times.measured(os.path.join(HERE, "times"))
    found = findings(tiers, table)
    print("\n".join(found) or f"tier ci: {list(tiers.values()).count('ci')} cells, "
                              f"{left(tiers, table):.0f} of {CI_SECONDS} seconds are left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
