# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of any Debian release, unpacked in the user's cache. An ostree with all its libraries
writes disks on this host, and updates them in guests of any architecture. Other programs judge what
this host makes; as their release is fixed, they give the same answers on every host."""

import functools
import os
import subprocess
import tempfile

from rig.disk import debian, disk
from rig.host import arch, kernels

OPTIONS = ["--variant=extract", "--include=ostree", "--format=tar"]


def unpacked(release, architecture):
    """The directory with a release's ostree and all dependencies of its package."""
    folder = os.path.dirname(kernels.debs(release, architecture, "ostree")[0])
    path = os.path.join(folder, "ostree-and-libraries")
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory(prefix="new.", dir=folder) as work:
            archive, made = os.path.join(work, "tar"), os.path.join(work, "made")
            debian.mmdebstrap(OPTIONS + ["--architectures=" + architecture], release,
                              os.path.join(folder, "apt/sources.list"), archive)
            os.mkdir(made)
            disk.run(["tar", "--no-same-owner", "-xf", archive, "--exclude=./dev/*"], cwd=made)
            os.rename(made, path)
    return path


def writer(release):
    """The command that runs a release's ostree on this host, with its own libraries; for '' it is
    the host's ostree."""
    if not release:
        return ["ostree"]
    top = unpacked(release, {"x86_64": "amd64"}.get(arch.HOST, arch.HOST))
    found = arch.libraries(arch.HOST, [top], top + "/usr/bin/ostree")
    folders = sorted({os.path.dirname(path) for path in found.values()})
    loader = next(path for path in found.values() if os.path.basename(path).startswith("ld-"))
    return [loader, "--library-path", ":".join(folders), top + "/usr/bin/ostree"]


@functools.cache
def program(release, name, *packages):
    """(path of a program in a release's packages, the environment to run it with on this host). It
    uses the libraries in these packages, and otherwise the host's, such as the C library."""
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip()
    tops = kernels.debs(release, architecture, *packages)
    folders = [folder for top in tops for folder, _, names in os.walk(top)
               if any(name.startswith("lib") and ".so" in name for name in names)]
    return (arch.find(tops, *[f"/{part}bin/{name}" for part in ("usr/", "", "usr/s", "s")]),
            dict(os.environ, LD_LIBRARY_PATH=":".join(folders)))


def util_linux(name):
    """program() for Debian 12's blkid or wipefs. Newer ones differ for some images: they report an
    ext4 for a DRBD on top of one, and nothing for a damaged file system."""
    return program("bookworm", name, "util-linux", "libblkid1")


def blkid(path):
    """The result of subprocess.run() for blkid on an image."""
    name, environment = util_linux("blkid")
    return subprocess.run([name, "-p", "-o", "export", path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
