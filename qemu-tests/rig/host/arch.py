# SPDX-License-Identifier: LGPL-2.1-or-later
"""The architectures of the machines: where the programs for each are, which compiler makes those of
the guest, and the files from Debian that a tree needs."""

import os
import platform
import re
import subprocess

from rig.host import kernels

# {architecture: the prefix of Debian's compiler and library folders}.
TRIPLETS = {"x86_64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu",
            "armhf": "arm-linux-gnueabihf", "riscv64": "riscv64-linux-gnu"}
# What the rig needs on the host for each.
NEEDS = {"x86_64": "busybox:busybox-static musl-gcc:musl-tools",
         "arm64": "aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu",
         "armhf": "arm-linux-gnueabihf-gcc:gcc-arm-linux-gnueabihf",
         "riscv64": "riscv64-linux-gnu-gcc:gcc-riscv64-linux-gnu"}
HOST = {"aarch64": "arm64", "armv7l": "armhf"}.get(platform.machine(), platform.machine())


def programs(build, arch):
    """The build folder for an architecture; `build` is the host's."""
    return build if arch == HOST else os.path.join(os.path.dirname(build), arch)


def tool(arch, name):
    """The name of a compiler tool (gcc, strip) for an architecture."""
    return name if arch == HOST else f"{TRIPLETS[arch]}-{name}"


def compiler(build, arch):
    """The command that compiles and links with musl, as the Makefile does."""
    if arch == HOST:
        return ["musl-gcc"]
    return [tool(arch, "gcc"), "-specs=" + os.path.join(programs(build, arch), "musl.specs"),
            "-idirafter", f"/usr/{TRIPLETS[arch]}/include"]


def files(arch, *packages):
    """Directories with the files of Debian packages and all their dependencies. For the host's
    architecture that is the root directory: they are installed."""
    if arch == HOST:
        return [""]
    return kernels.debs("base", arch, *["closure:" + name for name in packages])


def find(tops, *names):
    """The path of the first of the files `names` that exists below one of the directories."""
    for top in tops:
        for name in names:
            if os.path.exists(top + name):
                return top + name
    raise RuntimeError(f"there is no {names[0]} in {' '.join(tops) or '/'}")


def libraries(arch, tops, program):
    """{path in the tree: file here} of a program's shared libraries and its dynamic loader."""
    found, todo = {}, [program]
    while todo:
        listed = subprocess.run(["readelf", "--dynamic", "--program-headers", "--wide", todo.pop()],
                                check=True, text=True, stdout=subprocess.PIPE).stdout
        names = [f"/lib/{TRIPLETS[arch]}/{name}"
                 for name in re.findall(r"\(NEEDED\).*\[(.+)\]", listed)]
        names += re.findall(r"program interpreter: (.+)\]", listed)
        for name in names:
            # In the tree /lib is a link to /usr/lib, as on the host, but not in packages.
            target = "usr" + name
            if target not in found:
                found[target] = find(tops, name, "/usr" + name)
                todo.append(found[target])
    return found
