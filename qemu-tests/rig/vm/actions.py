# SPDX-License-Identifier: LGPL-2.1-or-later
"""Actions on a machine while it runs: attach its disk, type on its console, kill it. machine.py
calls look() of each action regularly, with the console; if that returns something, it is how the
machine ended. hear() gets QEMU's messages."""

import contextlib
import json
import os
import random
import re
import socket
import time

# A shell's prompt at the end of the console. A shell may ask the terminal where its cursor is.
PROMPT = re.compile(rb"[#$] (\x1b\[6n)?$")

# A step is killed after a fraction of its writes to the disk, from this range. Meanwhile the disk
# is limited to WRITES a second, so that only few happen between two looks.
MOMENT = (0.02, 0.9)
WRITES = 100


def tell(qmp, command, **arguments):
    """Sends QEMU a command, if it still runs."""
    with contextlib.suppress(BrokenPipeError):
        qmp.write(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")


def attaching(device):
    """The command of QEMU's monitor that attaches the disk to its free port."""
    return f"device_add {device},bus=late"


class Attach:
    """Attaches the disk some seconds after the kernel has started an init."""

    def __init__(self, device, seconds):
        self.device, self.seconds = device, seconds
        self.qmp = self.since = None

    def start(self, qmp):
        """Keeps the pipe through which QEMU takes commands."""
        self.qmp = qmp

    def look(self, _, stage):
        """Waits for the init, then for the seconds, then attaches the disk, once."""
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
        """Does nothing yet, because QEMU may not listen on the socket."""

    def look(self, console, _):
        """Types the next line if there is a new prompt."""
        if self.socket:
            # Nobody else reads this socket, and a full one would block the machine.
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
    """Kills the machine in the middle of the last step of a boot. The step two before it is its
    rehearsal: the machine is killed after a fraction, drawn with a seed, of the writes that this
    one took. Seconds would be less exact, because the host may be busy."""

    def __init__(self, report, steps, seed):
        self.report, self.steps, self.fraction = report, steps, random.Random(seed).uniform(*MOMENT)
        self.qmp, self.before, self.asked, self.over = None, 0, None, False
        self.writes = {}  # {number of steps done: number of writes at that time}
        self.since = time.monotonic()

    def start(self, qmp):
        """Notes where the report of this run starts, after those of others."""
        self.qmp = qmp
        self.before = os.stat(self.report).st_size if os.path.exists(self.report) else 0

    def done(self):
        """The number of steps of this boot that are done."""
        if not os.path.exists(self.report):
            return 0
        with open(self.report, "rb") as source:
            source.seek(self.before)
            return len(re.findall(rb"^(?:not )?ok .*\n", source.read(), re.MULTILINE))

    def look(self, *_):
        """Asks QEMU for the number of writes; returns 'killed' when there were enough."""
        now = time.monotonic()
        if self.asked is None and now - self.since > 1 / WRITES and self.done() >= self.steps - 3:
            self.since, self.asked = now, self.done()
            if self.asked == self.steps - 1 and self.asked not in self.writes:
                tell(self.qmp, "block_set_io_throttle", device="disk", bps=0, bps_rd=0, bps_wr=0,
                     iops=0, iops_rd=0, iops_wr=WRITES)
            tell(self.qmp, "query-blockstats")
        return "killed" if self.over else None

    def hear(self, message):
        """Takes the number of writes from QEMU's answer."""
        if not isinstance(message.get("return"), list):
            return
        writes = message["return"][0]["stats"]["wr_operations"]
        self.writes.setdefault(self.asked, writes)
        if self.asked == self.steps - 1:
            start = self.writes[self.asked]
            took = self.writes[self.steps - 2] - self.writes[self.steps - 3]
            self.over = writes - start >= took * self.fraction
        self.asked = None
