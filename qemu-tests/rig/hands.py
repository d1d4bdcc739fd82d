# SPDX-License-Identifier: LGPL-2.1-or-later
"""What somebody does to a machine while it runs: attaches its disk, types on its console. Each hand
looks at the console from time to time and does its part when it is due."""

import contextlib
import json
import re
import socket
import time

# A shell's prompt, as the last of the console; a shell may ask the terminal where its cursor is.
PROMPT = re.compile(rb"[#$] (\x1b\[6n)?$")


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
            line = "device_add %s,bus=late" % self.device
            with contextlib.suppress(BrokenPipeError):
                self.qmp.write(json.dumps({"execute": "human-monitor-command", "arguments": {
                    "command-line": line}}).encode() + b"\n")
            self.qmp = None


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
            # Nobody else reads it, and the machine must not wait for that.
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
