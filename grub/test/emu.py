# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs commands in grub-emu, GRUB as a program, to test only its script language."""
import os
import shutil
import subprocess

from testlib.slowness import limit


def missing():
    """The program that is not installed, or None."""
    return None if shutil.which("grub-emu") else "grub-emu"


def run(directory, script, seconds=120):
    """Returns the script's output without line ends, because its terminal breaks long lines.

    That terminal only shows printable ASCII. (host) is the file system of this machine."""
    os.makedirs(directory, exist_ok=True)
    with open(directory + "/grub.cfg", "wb") as file:
        file.write(b"set pager=0\n" + script + b"\nexit\n")
    done = subprocess.run(["grub-emu", "-d", directory], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, timeout=limit(seconds),
                          env=os.environ | {"TERM": "dumb"})
    return done.stdout.replace(b"\r", b"").replace(b"\n", b"")
