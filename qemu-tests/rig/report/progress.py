# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table during a run: a row for each cell that has ended, and on a terminal a last line: which
cells run, how many are done, and how much time is left.

The time left is estimated from what the remaining cells took before, here or elsewhere, scaled by
how the cells that have ended compare with their own estimates. Before the first one has ended, it
is unknown."""

import os
import shutil
import sys
import threading
import time

from rig.report import tap_junit

COLOURS = {"ok": "32", "FAILED": "1;31", "skipped": "33"}


def colourful(stream, environment):
    """Whether to write colours to a stream, see no-color.org."""
    return (stream.isatty() and not environment.get("NO_COLOR") and
            environment.get("TERM", "dumb") != "dumb")


def painted(line, word):
    """A row that ends in its result, with the result in colour."""
    at = line.rindex(word)
    return f"{line[:at]}\x1b[{COLOURS[word]}m{line[at:]}\x1b[0m"


def duration(seconds):
    """A rounded time, in seconds or minutes."""
    if seconds < 90:
        return f"{round(seconds / 10) * 10 or 10} s"
    return f"{round(seconds / 60)} min"


class Progress:
    """Shows a run of the cells `names`, `jobs` at a time; `expected` is {name: seconds}."""

    def __init__(self, names, expected, jobs, stream=sys.stdout, clock=time.monotonic):
        self.left, self.expected, self.jobs = set(names), expected, jobs
        self.all, self.failed = len(self.left), 0
        self.stream, self.clock = stream, clock
        self.live, self.colours = stream.isatty(), colourful(stream, os.environ)
        self.running, self.took, self.planned = {}, 0.0, 0.0
        self.lock = threading.Lock()

    def start(self, name):
        """Notes that a cell starts; may be called in any thread."""
        with self.lock:
            self.running[name] = self.clock()

    def time_left(self):
        """Seconds until all is done, at least those of the longest remaining cell; None:
        unknown."""
        with self.lock:
            running = dict(self.running)
        if not self.planned:
            return None
        ratio, now = self.took / self.planned, self.clock()
        rest = [max(self.expected[name] * ratio - (now - running.get(name, now)), 0.0)
                for name in self.left]
        return max(sum(rest) / self.jobs, max(rest, default=0.0))

    def end(self, result):
        """Prints the row of a cell that has ended, and its findings below it."""
        name = result["name"]
        with self.lock:
            self.running.pop(name, None)
        self.left.discard(name)
        self.failed += bool(result["findings"])
        if not result["skip"]:
            self.took += result["seconds"]
            self.planned += self.expected[name]
        row, word = tap_junit.row(result), tap_junit.word(result)
        self.write("%*d/%d " % (len(str(self.all)), self.all - len(self.left), self.all) +
                   (painted(row, word) if self.colours else row))
        for finding in result["findings"]:
            self.write("    " + tap_junit.clean(finding).replace("\n", "\n    "))
        self.tick()

    def heading(self):
        """Prints the table's head, aligned with the rows."""
        self.write(" " * (2 * len(str(self.all)) + 2) + tap_junit.HEADER)

    def status(self):
        """The text of the last line."""
        left = self.time_left()
        with self.lock:
            running = " ".join(sorted(self.running))
        return "%d of %d done%s, %s: %s" % (
            self.all - len(self.left), self.all, ", %d FAILED" % self.failed if self.failed else "",
            "time left not known yet" if left is None else "about %s left" % duration(left),
            running)

    def tick(self):
        """On a terminal, writes the last line again, cut at the terminal's width."""
        if self.live and self.left:
            width = shutil.get_terminal_size().columns - 1
            self.stream.write("\r\x1b[K" + self.status()[:width])
            self.stream.flush()

    def write(self, line):
        """Writes a line above the last one."""
        self.stream.write(("\r\x1b[K" if self.live else "") + line + "\n")
        self.stream.flush()
