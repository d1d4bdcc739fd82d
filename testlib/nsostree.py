# SPDX-License-Identifier: LGPL-2.1-or-later
"""libostree's own programs from several Debian releases, with their loader and libraries, so that
they run in a world of the namespace ring on any host."""

import functools
import glob
import os
import re
import subprocess

from testlib.nssys import read_file

DEBS = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + "/build-aux/debs"
RELEASES = {"bookworm": "2022.7", "trixie": "2025.2", "sid": "the newest"}
PROGRAMS = ("ostree-prepare-root", "ostree-remount", "ostree-system-generator")


@functools.cache
def files(release):
    """[(name, bytes)] of the programs, their loader and their libraries."""
    arch = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True,
                          text=True).stdout.strip()
    unpacked = subprocess.run([DEBS, release, arch, "ostree-boot",
                               "closure:libostree-1-1"], check=True, capture_output=True,
                              text=True).stdout.split()
    loader = [path for top in unpacked for path in
              glob.glob(top + "/**/ld-linux-*.so.*", recursive=True) if "/lib64/" not in path][0]
    folders = ":".join(sorted({os.path.dirname(path) for top in unpacked for path in
                               glob.glob(top + "/**/*-linux-gnu/lib*.so.*", recursive=True)}))
    found = {"ld.so": read_file(loader)}
    for name in PROGRAMS:
        path = [path for top in unpacked for path in glob.glob(f"{top}/**/{name}", recursive=True)
                if os.path.isfile(path)][0]
        found[name] = read_file(path)
        said = subprocess.run([loader, "--library-path", folders, "--list", path], check=True,
                              capture_output=True, text=True).stdout
        for library, where in re.findall(r"^\s+([^/\s]+) => (/\S+)", said, re.M):
            found[library] = read_file(where)
    return list(found.items())


def command(folder, name, *args):
    """The command that runs one of the programs if all files are in the folder."""
    return [folder + "/ld.so", "--library-path", folder, f"{folder}/{name}", *args]
