# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs that a test needs: those of this host, and those of any Debian release."""
import functools
import glob
import os
import shutil
import subprocess

DEBS = os.path.dirname(os.path.dirname(os.path.realpath(__file__))) + "/build-aux/debs"


def missing(programs, path, package):
    """The first of the programs that is not installed, or the package if its file `path` is
    missing; None if all are installed."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for name in programs:
        if not shutil.which(name):
            return name
    return None if os.path.exists(path) else package


def unpacked(release, *packages):
    """The directories with a release's packages, for this host's architecture."""
    arch = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True,
                          text=True).stdout.strip()
    return subprocess.run([DEBS, release, arch, *packages], check=True, capture_output=True,
                          text=True).stdout.split()


def loader_of(tops):
    """The command that starts a program with the C library in these directories."""
    loader = [path for top in tops for path in
              glob.glob(top + "/**/ld-linux-*.so.*", recursive=True) if "/lib64/" not in path][0]
    folders = sorted({os.path.dirname(path) for top in tops for path in
                      glob.glob(top + "/**/*-linux-gnu/lib*.so.*", recursive=True)})
    return [loader, "--library-path", ":".join(folders)]


@functools.cache
def of_release(release, package, name):
    """The command that starts a program of a release on this host, with all its libraries."""
    tops = unpacked(release, "closure:" + package)
    return [*loader_of(tops), glob.glob(f"{tops[0]}/**/{name}", recursive=True)[0]]
