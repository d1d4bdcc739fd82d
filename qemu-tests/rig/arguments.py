# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of `run`, which --help shows."""

import argparse
import os

from rig.report import times
from rig.host.kernels import HERE


def count(text):
    """A number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of 1 or more")
    return int(text)


def factor(text):
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def out_file(text):
    """A path that can be written. A run is long, so this is checked before it starts."""
    folder = os.path.dirname(os.path.abspath(text))
    if not os.access(folder, os.W_OK) or os.path.isdir(text):
        raise argparse.ArgumentTypeError("'%s' cannot be written: %s" % (
            text, "it is a directory" if os.path.isdir(text) else
            "does its directory exist, and may you write to it?"))
    return text


def parse(description):
    """Parses the command line; exits after --help and on errors."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--build", metavar="DIR", type=os.path.abspath,
                        default=os.path.join(os.path.dirname(HERE), "build/x86_64"),
                        help="where the programs are and output goes (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the cells and exit")
    parser.add_argument("--only", default="*", metavar="GLOBS",
                        help="only cells that match one of these, separated by blanks; "
                             "ci and release select the cells of a tier")
    parser.add_argument("--interactive", metavar="CELL", help="boot one cell in this terminal")
    parser.add_argument("--dry-run", action="store_true", help="print the QEMU commands")
    parser.add_argument("--shard", metavar="I/N", type=times.part,
                        help="only part I of N of the cells; all parts take about equally long")
    parser.add_argument("--rerun-failed", action="store_true",
                        help="only the cells that did not pass when they last ran")
    parser.add_argument("--jobs", type=count, default=2, metavar="N", help="cells at a time")
    parser.add_argument("--scale", type=factor, metavar="X",
                        help="time limits times X, and no KVM, instead of measuring this host")
    parser.add_argument("--tap", type=out_file, metavar="FILE", help="write the results as TAP")
    parser.add_argument("--junit", type=out_file, metavar="FILE",
                        help="write the results as JUnit XML")
    parser.add_argument("--markdown", type=out_file, metavar="FILE",
                        help="write what failed, and a table")
    parser.add_argument("--html", type=out_file, metavar="FILE",
                        help="write a page with the ends of each console")
    parser.add_argument("--mutants", action="store_true",
                        help="show that the cells find faults in the programs")
    parser.add_argument("--image", metavar="FILE",
                        help="boot a disk image that was made elsewhere, without writing to it")
    parser.add_argument("--machine", metavar="NAME", help="on this machine (for --image)")
    parser.add_argument("--expect", metavar="FILE", help="what its console must show (for --image)")
    parser.add_argument("--try", dest="tryout", action="store_true",
                        help="boot a disk to look around in; without a terminal, a script types")
    options = parser.parse_args()
    if (options.machine or options.expect) and not options.image:
        parser.error("--machine and --expect are for --image")
    return options
