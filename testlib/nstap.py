# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the cases of the namespace ring and reports them in TAP.

Every case runs twice, as root and as an ordinary user in a user namespace, each time in a process
with a mount namespace of its own. If one of the two is not possible, its cases are skipped with the
reason. A case is a function that returns a list of problems, which is empty on success.
"""

import os
import subprocess
import sys
import tempfile
import traceback

from testlib.nssys import become_private, read_file
from testlib import tap

MODES = (("as root", False), ("as user", True))


CASES = []


def case(*kinds):
    """Register a function as a case for each of these kinds of world; it gets the kind."""
    def register(function):
        name = function.__name__.replace("_", " ")
        for kind in kinds:
            CASES.append((f"{kind} {name}", lambda k=kind: function(k)))
        return function
    return register


def program(name):
    """The bytes of one of our programs, from $BUILD."""
    return read_file(f"{tap.BUILD}/{name}")


def probe():
    """The bytes of nsprobe.c, compiled."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nsprobe.c")
    with tempfile.TemporaryDirectory() as where:
        out = where + "/probe"
        subprocess.run(["musl-gcc", "-static", "-Os", "-std=gnu11", "-D_GNU_SOURCE", "-o", out,
                        source], check=True)
        return read_file(out)


def main(cases, root_only=()):
    """Run [(name, function)] in both modes, and root_only only as root; print TAP and return the
    exit status."""
    print(f"1..{len(MODES) * len(cases) + len(root_only)}", flush=True)
    bad = number = 0
    for mode, as_nobody in MODES:
        listed = [*cases, *(() if as_nobody else root_only)]
        first, number = number + 1, number + len(listed)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                status = _worker(listed, mode, as_nobody, first)
            finally:
                sys.stdout.flush()
                os._exit(status)
        bad |= os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return bad


def _worker(cases, mode, as_nobody, number):
    impossible = None
    try:
        if not as_nobody and os.geteuid() != 0:
            raise PermissionError("not called by root")
        become_private(as_nobody)
    except OSError as error:
        impossible = f"nothing was tried {mode}: {error}"
        print(f"# {impossible}", file=sys.stderr)
    bad = 0
    for name, function in cases:
        if impossible:
            tap.result(number, True, name, skip=impossible)
        else:
            bad |= _one(number, f"{name}, {mode}", function)
        number += 1
    return bad


def _one(number, name, function):
    try:
        problems = function()
    except tap.Skip as why:
        tap.result(number, True, name, skip=why)
        return 0
    except Exception:  # pylint: disable=broad-except
        problems = [traceback.format_exc()]
    tap.result(number, not problems, name, "\n".join(map(str, problems)))
    return 1 if problems else 0
