# SPDX-License-Identifier: LGPL-2.1-or-later
"""The architectures of the machines: where the programs for each are, what compiles the guest's,
and the files of Debian that a tree needs, the host's or another architecture's, unpacked."""

import os
import platform
import re
import subprocess

from rig.host import kernels

# What the programs are built for: the name of Debian's compiler and folders, and QEMU's own name.
TRIPLETS = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu",
            "armhf": "arm-linux-gnueabihf", "riscv64": "riscv64-linux-gnu"}
# What the rig needs on the host for each.
NEEDS = {"x86_64": "busybox:busybox-static musl-gcc:musl-tools",
         "arm64": "aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu",
         "armhf": "arm-linux-gnueabihf-gcc:gcc-arm-linux-gnueabihf",
         "riscv64": "riscv64-linux-gnu-gcc:gcc-riscv64-linux-gnu"}
HOST = {"aarch64": "arm64", "armv7l": "armhf"}.get(platform.machine(), platform.machine())


def programs(build, arch):
    """The folder of the programs for an architecture; `build` is that of the host's."""
    return build if arch == HOST else os.path.join(os.path.dirname(build), arch)


def tool(arch, name):
    """A tool of the compiler's for an architecture."""
    return name if arch == HOST else "%s-%s" % (TRIPLETS[arch], name)


def compiler(build, arch):
    """The words that compile and link with musl, as the Makefile does."""
    if arch == HOST:
        return ["musl-gcc"]
    return [tool(arch, "gcc"), "-specs=" + os.path.join(programs(build, arch), "musl.specs"),
            "-idirafter", "/usr/%s/include" % TRIPLETS[arch]]


def files(arch, *packages):
    """The directories that hold the files of Debian's packages, with all that these depend on: of
    the host's architecture what is installed."""
    if arch == HOST:
        return [""]
    return kernels.debs("base", arch, *["closure:" + name for name in packages])


def find(tops, *names):
    """The first of the files `names` that is in one of the directories."""
    for top in tops:
        for name in names:
            if os.path.exists(top + name):
                return top + name
    raise RuntimeError("there is no %s in %s" % (names[0], " ".join(tops) or "/"))


def libraries(arch, tops, program):
    """{path in the tree: file here} of a program's shared libraries, its loader included."""
    found, todo = {}, [program]
    while todo:
        listed = subprocess.run(["readelf", "--dynamic", "--program-headers", "--wide", todo.pop()],
                                check=True, text=True, stdout=subprocess.PIPE).stdout
        names = ["/lib/%s/%s" % (TRIPLETS[arch], name)
                 for name in re.findall(r"\(NEEDED\).*\[(.+)\]", listed)]
        names += re.findall(r"program interpreter: (.+)\]", listed)
        for name in names:
            # In the tree /lib is a link to /usr/lib, as on the host, but not in packages.
            target = "usr" + name
            if target not in found:
                found[target] = find(tops, name, "/usr" + name)
                todo.append(found[target])
    return found
