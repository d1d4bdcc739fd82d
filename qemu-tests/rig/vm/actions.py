# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is done to a machine while it runs: attaches its disk, types on its console, kills it.
Each hand looks at the console from time to time and does its part when it is due; what it returns
then, if anything, is the machine's end. It hears what QEMU answers."""

import contextlib
import json
import os
import random
import re
import socket
import time

# A shell's prompt, as the last of the console; a shell may ask the terminal where its cursor is.
PROMPT = re.compile(rb"[#$] (\x1b\[6n)?$")

# The part of all writes to the disk after which a step is killed, and so many a second may be done
# then: in the time between two looks there are few.
MOMENT = (0.02, 0.9)
WRITES = 100


def tell(qmp, command, **arguments):
    """Sends QEMU a command, if it is still there."""
    with contextlib.suppress(BrokenPipeError):
        qmp.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")


def attaching(device):
    """QEMU's command that attaches the disk to the port that is there for it."""
    return "device_add %s,bus=late" % device


class Attach:
    """Attaches the disk so many seconds after the kernel has started an init."""

    def __init__(self, device, seconds):
        self.device, self.seconds = device, seconds
        self.qmp = self.since = None

    def start(self, qmp):
        """Takes the pipe that QEMU listens on."""
        self.qmp = qmp

    def look(self, _, stage):
        """Waits for the init, then for the seconds, then is done."""
        if stage == "prepare" and self.since is None:
            self.since = time.monotonic()
        if self.qmp and self.since and time.monotonic() - self.since > self.seconds:
            tell(self.qmp, "human-monitor-command", **{"command-line": attaching(self.device)})
            self.qmp = None

    def hear(self, _):
        """Nothing of interest."""


class Typist:
    """Types one line at each prompt of a shell."""

    def __init__(self, path, typed):
        self.path, self.typed, self.prompt = path, list(typed), PROMPT
        self.socket, self.seen = None, 0

    def start(self, _):
        """Nothing: QEMU may not listen yet."""

    def look(self, console, _):
        """Types the next line if there is a prompt that was not there before."""
        if self.socket:
            # There is no other reader, and the machine must not wait for one.
            with contextlib.suppress(BlockingIOError):
                self.socket.recv(65536)
        if not self.typed or len(console) == self.seen or not self.prompt.search(console):
            return
        if not self.socket:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(self.path)
            self.socket.setblocking(False)
        self.seen = len(console)
        self.socket.send(self.typed.pop(0).encode() + b"\r")

    def hear(self, _):
        """Nothing of interest."""


class Killer:
    """Kills the machine in the middle of the last of a boot's steps, after a part, drawn with a
    seed, of as many writes as its rehearsal took, the step two before it. Time would tell less: a
    host has other things to do as well."""

    def __init__(self, report, steps, seed):
        self.report, self.steps, self.fraction = report, steps, random.Random(seed).uniform(*MOMENT)
        self.qmp, self.before, self.asked, self.over = None, 0, None, False
        self.writes = {}  # that were done when so many steps were
        self.since = time.monotonic()

    def start(self, qmp):
        """The report of this run comes after those of others."""
        self.qmp = qmp
        self.before = os.stat(self.report).st_size if os.path.exists(self.report) else 0

    def done(self):
        """How many steps of this boot are done."""
        if not os.path.exists(self.report):
            return 0
        with open(self.report, "rb") as source:
            source.seek(self.before)
            return len(re.findall(rb"^(?:not )?ok .*\n", source.read(), re.MULTILINE))

    def look(self, *_):
        """Asks for the number of writes; 'killed' when there were enough."""
        now = time.monotonic()
        if self.asked is None and now - self.since > 1 / WRITES and self.done() >= self.steps - 3:
            self.since, self.asked = now, self.done()
            if self.asked == self.steps - 1 and self.asked not in self.writes:
                tell(self.qmp, "block_set_io_throttle", device="disk", bps=0, bps_rd=0, bps_wr=0,
                     iops=0, iops_rd=0, iops_wr=WRITES)
            tell(self.qmp, "query-blockstats")
        return "killed" if self.over else None

    def hear(self, message):
        """Takes the number of writes."""
        if not isinstance(message.get("return"), list):
            return
        writes = message["return"][0]["stats"]["wr_operations"]
        self.writes.setdefault(self.asked, writes)
        if self.asked == self.steps - 1:
            start = self.writes[self.asked]
            took = self.writes[self.steps - 2] - self.writes[self.steps - 3]
            self.over = writes - start >= took * self.fraction
        self.asked = None
