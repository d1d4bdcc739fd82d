# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks for the programs and files that a test needs on this host."""
import os
import shutil


def missing(programs, path, package):
    """The first of the programs that is not installed, or the package if its file `path` is
    missing; None if all are installed."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for name in programs:
        if not shutil.which(name):
            return name
    return None if os.path.exists(path) else package
