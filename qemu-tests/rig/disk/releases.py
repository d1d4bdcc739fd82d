# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs of any Debian release, unpacked in the user's cache. An ostree with all its libraries
writes disks on this host and updates them in a guest, whatever its architecture; others judge what
this host makes, and give the same answers on each release."""

import functools
import os
import subprocess
import tempfile

from rig.disk import debian, disk
from rig.host import arch, kernels

OPTIONS = ["--variant=extract", "--include=ostree", "--format=tar"]


def unpacked(release, architecture):
    """The directory of a release's ostree and all that its package depends on."""
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
    """The words that run a release's ostree on this host, whatever libraries that has; the host's
    own for ''."""
    if not release:
        return ["ostree"]
    top = unpacked(release, {"x86_64": "amd64"}.get(arch.HOST, arch.HOST))
    found = arch.libraries(arch.HOST, [top], top + "/usr/bin/ostree")
    folders = sorted({os.path.dirname(path) for path in found.values()})
    loader = next(path for path in found.values() if os.path.basename(path).startswith("ld-"))
    return [loader, "--library-path", ":".join(folders), top + "/usr/bin/ostree"]


@functools.cache
def program(release, name, *packages):
    """(path of a program in a release's packages, the environment in which it runs on this host):
    libraries of these packages go before the host's. The C library is the host's."""
    architecture = subprocess.run(["dpkg", "--print-architecture"], check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.strip()
    tops = kernels.debs(release, architecture, *packages)
    folders = [folder for top in tops for folder, _, names in os.walk(top)
               if any(name.startswith("lib") and ".so" in name for name in names)]
    return (arch.find(tops, *["/%sbin/%s" % (part, name) for part in ("usr/", "", "usr/s", "s")]),
            dict(os.environ, LD_LIBRARY_PATH=":".join(folders)))


def util_linux(name):
    """What program() says of Debian 12's blkid or wipefs. Newer ones take some bytes for something
    else: a DRBD over an ext4 for the ext4, a damaged file system for none."""
    return program("bookworm", name, "util-linux", "libblkid1")


def blkid(path):
    """What blkid says of an image, as subprocess.run() does."""
    name, environment = util_linux("blkid")
    return subprocess.run([name, "-p", "-o", "export", path], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
