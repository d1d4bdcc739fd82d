# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ostree of any Debian release and architecture, unpacked with its libraries in the user's
cache: it writes disks on this host, and updates them in a guest."""

import os
import tempfile

from rig import arch, debian, disk, kernels

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
