# SPDX-License-Identifier: LGPL-2.1-or-later
"""How long cells take, and which host runs which cells if several hosts share them.

The file `times` beside `run` has measured seconds, from two slow cores and without kept images. It
is in the tree because all hosts of a CI must split the cells in the same way."""

import argparse
import os
import re
import statistics

# The seconds of a cell about which nothing is known.
UNKNOWN = 10.0


def measured(path):
    """{cell: seconds} of a file with a cell and its seconds on each line."""
    found = {}
    with open(path, encoding="utf-8") as source:
        for number, line in enumerate(source, 1):
            words = line.split()
            if not words or line.startswith("#"):
                continue
            if len(words) != 2 or not re.fullmatch(r"\d+(\.\d+)?", words[1]):
                raise ValueError(f"{path}:{number}: a line is a cell and its seconds")
            found[words[0]] = float(words[1])
    return found


def estimate(name, table):
    """The seconds of a cell: as measured, else the median of its scenario on other machines, else
    the median of other scenarios on its machine."""
    if name in table:
        return table[name]
    kind, scenario = name.split("/")
    alike = ([seconds for other, seconds in table.items() if other.split("/")[1] == scenario] or
             [seconds for other, seconds in table.items() if other.split("/")[0] == kind])
    return statistics.median(alike) if alike else UNKNOWN


def estimates(folder, names):
    """{cell: seconds} for the cells, the same on every host."""
    table = measured(os.path.join(folder, "times"))
    return {name: estimate(name, table) for name in names}


def part(text):
    """I/N on a command line, as (I, N)."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    index, count = (int(group) for group in found.groups()) if found else (0, 0)
    if not 1 <= index <= count:
        raise argparse.ArgumentTypeError(f"'{text}' is not I/N with I from 1 to N, for example 2/3")
    return index, count


def shard(seconds, index, count):
    """Part `index` (from 1) of the names in {name: seconds}, split into `count` parts that take
    about equally long: each name, the longest first, goes to the part with the least seconds so
    far."""
    loads, shares = [0.0] * count, [[] for _ in range(count)]
    for name in sorted(seconds, key=lambda name: (-seconds[name], name)):
        least = loads.index(min(loads))
        loads[least] += seconds[name]
        shares[least].append(name)
    return shares[index - 1]
