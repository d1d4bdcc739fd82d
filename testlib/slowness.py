#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many times slower than usual this host is now, at least 1: every time limit of every test is
multiplied by it, so that a busy host makes tests late and not wrong.

As a program it prints the figure. `tally` has it measured once and hands it to all tests in
SLOWNESS; a test that is started by hand measures it itself. Load that comes later counts too, by
the kernel's average."""

import functools
import os
import subprocess
import time

# Seconds that work() takes on two slow cores that have nothing else to do.
USUAL = 0.4


def work():
    """What tests do: they compute, and start programs."""
    sum(number * number for number in range(3000000))
    for _ in range(100):
        subprocess.run(["true"], check=True)


@functools.lru_cache(None)
def measured():
    """The figure when the tests began: as the environment says, else measured."""
    if "SLOWNESS" in os.environ:
        return float(os.environ["SLOWNESS"])
    start = time.monotonic()
    work()
    return (time.monotonic() - start) / USUAL


def load():
    """How many processes run or wait for a disk, for each processor: the average of the last
    minute, at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def slowness():
    """The figure now."""
    return max(measured(), load())


def limit(seconds):
    """A time limit for this host, of the seconds that are more than enough on an idle one."""
    return seconds * slowness()


if __name__ == "__main__":
    print("%.1f" % slowness())
