#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many times slower than usual this host is now, at least 1: the time limits of all tests are
multiplied by this factor, so that a busy host delays tests but does not make them fail.

As a program it prints the factor. `tally` measures it once and passes it to all tests in SLOWNESS;
a test that is started by hand measures it itself. Later load counts too, by the load average."""

import functools
import os
import subprocess
import time

# Seconds that work() takes on two idle slow cores.
USUAL = 0.4


def work():
    """Work like that of tests: computes, and starts programs."""
    sum(number * number for number in range(3000000))
    for _ in range(100):
        subprocess.run(["true"], check=True)


@functools.lru_cache(None)
def measured():
    """The factor at the start of the tests: from the environment, otherwise measured."""
    if "SLOWNESS" in os.environ:
        return float(os.environ["SLOWNESS"])
    start = time.monotonic()
    work()
    return (time.monotonic() - start) / USUAL


def load():
    """The load average of the last minute for each processor, at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


def slowness():
    """The factor now."""
    return max(measured(), load())


def limit(seconds):
    """A time limit for this host; `seconds` must be more than enough on an idle one."""
    return seconds * slowness()


if __name__ == "__main__":
    print("%.1f" % slowness())
