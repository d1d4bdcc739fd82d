# SPDX-License-Identifier: LGPL-2.1-or-later
"""GRUB reads the states, with its own file-system code in Debian's grub-emu and grub-fstest.

One run of grub-emu takes many states. In each it compares the files of the first directory, by
their hashes, with the menus that may be there. If none of them matches, grub-fstest reads file by
file. """

import hashlib
import os
import subprocess

from rig.crash import menus
from testlib.slowness import limit

NAME = "grub.cfg"
# The number of states in one run of grub-emu.
BATCH = 64


def cat(image, path):
    """The bytes of a file in an image, read by GRUB; None if it cannot be read."""
    done = subprocess.run(["grub-fstest", image, "cat", "(loop0)" + path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return None if done.returncode else done.stdout


def read_alone(recording, image):
    """What grub-fstest finds in an image."""
    return menus.find(recording, NAME, lambda path: cat(image, path))


def write_list(folder, recording, generation):
    """Writes the hashes of one generation's menu and of all files that it names, for hashsum
    --check; returns the path."""
    path = os.path.join(folder, f"list-{generation}")
    if not os.path.exists(path):
        menu = recording.menus[generation][NAME]
        files = {"/loader/" + NAME: menu}
        for entry in menus.entries(NAME, menu):
            files.update({name: menus.content(name) for name in entry})
        with open(path, "w", encoding="ascii") as out:
            out.write("".join(f"{hashlib.md5(data).hexdigest()}  {name}\n"
                              for name, data in files.items()))
    return path


def script(folder, recording, cases):
    """A script for grub-emu: prints @NUMBER=GENERATION= for each state with a complete menu."""
    lines = ["set pager=0", "set enable_progress_indicator=0"]
    for number, (state, image) in enumerate(cases):
        lines.append(f"loopback s (host){image}")
        word = "if"
        likely = state.window.legal | {state.window.committed - 1}
        for generation in sorted(likely - {-1}, reverse=True):
            lines.append(f"{word} hashsum --hash md5 --check "
                         f"(host){write_list(folder, recording, generation)} --prefix (s); then")
            lines.append(f"echo @{number}={generation}=")
            word = "elif"
        lines += ["fi", "loopback -d s"]
    return "\n".join(lines + ["exit", ""])


def emulate(folder, recording, cases):
    """{number of the case: generation} of the cases in which grub-emu finds a complete menu."""
    with open(os.path.join(folder, "grub.cfg"), "w", encoding="ascii") as out:
        out.write(script(folder, recording, cases))
    done = subprocess.run(["grub-emu", "-d", folder], stdin=subprocess.DEVNULL, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=limit(300),
                          env=os.environ | {"TERM": "dumb"})
    found = [part.split(b"=") for part in done.stdout.split(b"@")[1:]]
    return {int(part[0]): int(part[1]) for part in found}


def readings(folder, recording, cases):
    """What GRUB finds in each (state, image) of the cases, as menus.find() returns it."""
    whole = emulate(folder, recording, cases)
    return [menus.Reading(whole[number], None, True) if number in whole else
            read_alone(recording, image) for number, (_, image) in enumerate(cases)]
