# SPDX-License-Identifier: LGPL-2.1-or-later
"""libostree's own programs from several Debian releases, with their loader and libraries, so that
they run in a world of the namespace ring on any host."""

import functools
import glob
import os
import re
import subprocess

from testlib import tools
from testlib.nssys import read_file

RELEASES = {"bookworm": "2022.7", "trixie": "2025.2", "sid": "the newest"}
PROGRAMS = ("ostree-prepare-root", "ostree-remount", "ostree-system-generator")


@functools.cache
def files(release):
    """[(name, bytes)] of the programs, their loader and their libraries."""
    unpacked = tools.unpacked(release, "ostree-boot", "closure:libostree-1-1")
    command = tools.loader_of(unpacked)
    found = {"ld.so": read_file(command[0])}
    for name in PROGRAMS:
        path = [path for top in unpacked for path in glob.glob(f"{top}/**/{name}", recursive=True)
                if os.path.isfile(path)][0]
        found[name] = read_file(path)
        said = subprocess.run([*command, "--list", path], check=True, capture_output=True,
                              text=True).stdout
        for library, where in re.findall(r"^\s+([^/\s]+) => (/\S+)", said, re.M):
            found[library] = read_file(where)
    return list(found.items())


def command(folder, name, *args):
    """The command that runs one of the programs if all files are in the folder."""
    return [folder + "/ld.so", "--library-path", folder, f"{folder}/{name}", *args]
