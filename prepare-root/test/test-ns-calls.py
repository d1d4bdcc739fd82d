#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts the system calls of our utility and of Debian's on the same tree. The numbers in
qemu-tests/BENCH.md must be correct."""

import contextlib
import os
import re
import sys
import tempfile

from testlib import nsboot
from testlib import nstap
from testlib import nstree


def calls(prepare_root):
    """The number of system calls from the program's execve to its exit, without the failed searches
    for libraries, whose number depends on this processor."""
    with tempfile.TemporaryDirectory() as where, contextlib.ExitStack() as stack:
        log = where + "/log"
        world = stack.enter_context(nsboot.world("utility", (prepare_root, PROBE),
                                                 files=LIBRARIES))
        status, _, said = world.run(
            [nsboot.PROGRAM, "/sysroot"],
            before=lambda pid: stack.enter_context(nsboot.strace(pid, log)))
        if status:
            raise RuntimeError(f"exit {status}: {said}")
        world.close()
        with open(log, encoding="utf-8", errors="replace") as f:
            trace = f.read()
    made = re.findall(r"^\w+\(.*", trace[trace.rindex("execve("):], re.MULTILINE)
    return len([call for call in made if not re.match(r'\w+\(\w*, "/lib/.* = -1 ENOENT', call)])


def fewer():
    """Ours makes fewer system calls, and the table has both numbers."""
    ours, debians = calls(OURS), calls(DEBIAN)
    row = re.search(r"^\| system calls of the utility \| (\d+) \| (\d+) \|$", TABLE, re.M)
    problems = [] if ours < debians else [f"{ours} is not fewer than {debians}"]
    # Debian's number varies a little with its libraries.
    if not row or int(row[1]) != ours or abs(int(row[2]) - debians) > 10:
        problems.append(f"qemu-tests/BENCH.md must have {ours} and {debians}, not {row and row[0]}")
    return problems


if __name__ == "__main__":
    OURS, PROBE = nstap.program("ostree-prepare-root"), nstap.probe()
    DEBIAN, LIBRARIES = nstree.debian()
    HERE = os.path.dirname(os.path.abspath(__file__))
    # Read here, because as another user the case might not be able to read the checkout.
    with open(os.path.join(HERE, "../../qemu-tests/BENCH.md"), encoding="utf-8") as file:
        TABLE = file.read()
    sys.exit(nstap.main([("system calls", fewer)]))
