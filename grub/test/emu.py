# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs commands in grub-emu, GRUB as a program, for its script language and nothing else."""
import os
import shutil
import subprocess

from testlib.slowness import limit


def missing():
    """What is not installed, or None."""
    return None if shutil.which("grub-emu") else "grub-emu"


def run(directory, script, seconds=120):
    """Returns what the script has echoed, without line ends: its terminal breaks long lines.

    Only printable ASCII passes that terminal. (host) is the file system of this machine."""
    os.makedirs(directory, exist_ok=True)
    with open(directory + "/grub.cfg", "wb") as file:
        file.write(b"set pager=0\n" + script + b"\nexit\n")
    done = subprocess.run(["grub-emu", "-d", directory], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=limit(seconds),
                          env=os.environ | {"TERM": "dumb"})
    return done.stdout.replace(b"\r", b"").replace(b"\n", b"")
