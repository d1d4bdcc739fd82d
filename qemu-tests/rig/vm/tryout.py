# SPDX-License-Identifier: LGPL-2.1-or-later
"""`make try`: boots a disk to look around in, in the user's terminal. Without a terminal, a script
types commands into the same shell and checks what they do."""

import os
import re
import select
import shlex
import subprocess
import sys
import time

from rig import cells
from rig.disk import disk, image
from rig.vm import machine
from testlib.slowness import limit, load

PROMPT = r"demo-(\d) \S+ # $"
MENU = "Demo OTA 1"
DOWN, ENTER = "\x0e", "\r"
REFUSED = r"Read-only file system"
# (keys to type, pattern that must then appear within the time limit, what that proves).
STEPS = [
    (None, MENU, "GRUB shows the menu that ostree-grub-generator wrote"),
    (ENTER, PROMPT, "the first entry boots into a shell"),
    ("cat /etc/os-release\r", r"VERSION=2\b[^#]*" + PROMPT, "this is version 2"),
    ("touch /usr/x\r", REFUSED + r"[^#]*" + PROMPT, "/usr refuses a write"),
    ("echo mine >/etc/x && echo ours >/var/x && echo 'stays'\r", r"\nstays\r\n" + PROMPT,
     "/etc and /var take one"),
    ("ostree admin status\r", r"\n\* demo [0-9a-f]{64}\.0\r\n\s+Version: 2\b[^#]*" + PROMPT,
     "libostree knows that version 2 is booted"),
    ("reboot\r", MENU, "reboot leads back to the menu"),
    (DOWN + ENTER, PROMPT, "the second entry boots into a shell"),
    ("cat /etc/os-release\r", r"VERSION=1\b[^#]*" + PROMPT, "this is version 1"),
    ("cat /var/x\r", r"\nours\r\n" + PROMPT, "/var is shared with version 2"),
    ("cat /etc/x\r", r"No such file[^#]*" + PROMPT, "/etc is not"),
    ("poweroff\r", None, "poweroff ends the machine"),
]
LIMIT = 90


def until(process, log, pattern, seconds):
    """Copies the console to `log` until the pattern appears (None: until QEMU ends); returns
    whether it did so in time."""
    text, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([process.stdout], [], [], 0.1)[0]:
            continue
        new = os.read(process.stdout.fileno(), 65536)
        if not new:
            return pattern is None and process.wait(limit(10)) == 0
        log.write(new)
        text += new.decode(errors="replace")
        # Without the control sequences of the shell's line editor and of GRUB's menu.
        if pattern and re.search(pattern, re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)):
            return True
    return False


def script(words, console, scale):
    """Types STEPS into the machine; prints a line of TAP for each. Returns whether all worked."""
    good = True
    with open(console, "wb") as log, subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            log.write(machine.head(words).encode())
            for number, (keys, pattern, meaning) in enumerate(STEPS, 1):
                if good and keys:
                    process.stdin.write(keys.encode())
                    process.stdin.flush()
                good = good and until(process, log, pattern, LIMIT * max(scale, load()))
                print(f"{'' if good else 'not '}ok {number} - {meaning}", flush=True)
        finally:
            process.kill()
    return good


def clean(path, facts):
    """Whether the disk's file system is clean."""
    part = facts["parts"][0]
    return disk.superblock_state(path, part) == (True, False) and not disk.check_ext4(path, part)


def run(build):
    """Builds the disk, boots it, returns an exit status."""
    kind = cells.machine(os.path.join(image.HERE, "machines/x86-bios-grub.ini"))
    lacks = cells.missing(kind)
    if lacks:
        raise RuntimeError("cannot boot: " + lacks)
    image.need_programs(build, [kind])
    cell = dict(cells.scenario(os.path.join(image.HERE, "try.ini")), name="try", machine=kind)
    folder = os.path.join(build, "qemu/try")
    os.makedirs(folder, exist_ok=True)
    print("Making a disk with libostree ...", flush=True)
    pristine, facts = image.image(build, cell, "tryinit")
    path = os.path.join(folder, "disk.img")
    image.scratch(pristine, path)
    vmlinuz = image.kernel(kind)[1]
    accel = machine.accelerator(kind, vmlinuz)
    if sys.stdin.isatty() and sys.stdout.isatty():
        words = machine.command(kind, accel, path, ["-serial", "mon:stdio"], restarts=True)
        print("Booting it. Leave with poweroff, or immediately with Ctrl-A, then X.\n"
              f"# {shlex.join(words)}", flush=True)
        return subprocess.run(words, check=False).returncode
    words = machine.command(kind, accel, path, ["-serial", "stdio"], restarts=True)
    console = os.path.join(folder, "console.log")
    good = script(words, console, machine.calibrate(kind, accel, vmlinuz))
    left = good and clean(path, facts)
    print(f"{'' if left else 'not '}ok {len(STEPS) + 1} - the file system is clean\n"
          f"1..{len(STEPS) + 1}\n# console: {console}")
    return 0 if good and left else 1
