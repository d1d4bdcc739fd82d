# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machines' kernels, from Debian's releases or made by kernel/build, in the user's cache, with
their modules and device trees."""

import glob
import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
DEBS = os.path.join(os.path.dirname(HERE), "build-aux/debs")


def debs(release, arch, *packages):
    """The directories of unpacked packages of a Debian release, one for each. With the release
    "built" it is a kernel from kernel/build, which shows its progress on the terminal."""
    words, shown = [DEBS, release, arch] + list(packages), subprocess.PIPE
    if release == "built":
        words, shown = [os.path.join(HERE, "kernel/build"), arch], None
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=shown, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {(done.stderr or 'see above').strip()}")
    return done.stdout.split("\n")[:-1]


def unpacked(machine):
    """The directories of the machine's kernel packages; newer releases have several."""
    return debs(*machine["kernel"].split())


def kernel(machine):
    """(release, path of vmlinuz) of the machine's kernel. Debian calls it vmlinux on riscv64."""
    for folder in unpacked(machine):
        for path in (glob.glob(folder + "/boot/vmlinu[xz]-*") +
                     glob.glob(folder + "/usr/lib/modules/*/vmlinuz")):
            release = re.search(r"vmlinu[xz]-(.+)$|([^/]+)/vmlinuz$", path)
            return release.group(1) or release.group(2), path
    raise RuntimeError(f"no kernel: {machine['kernel']}: there is no vmlinuz")


def builtin(machine):
    """The path of the list of modules that are built into the machine's kernel; None if its package
    has no such list."""
    release = kernel(machine)[0]
    for folder in unpacked(machine):
        for top in ("", "usr/"):
            path = f"{folder}/{top}lib/modules/{release}/modules.builtin"
            if os.path.exists(path):
                return path
    return None


def board_dtb(machine):
    """The path of the machine's device tree in its kernel package."""
    for folder in unpacked(machine):
        for path in glob.glob(f"{folder}/usr/lib/linux-image-*/{machine['board-dtb']}"):
            return path
    raise RuntimeError(f"{machine['kernel']}: there is no {machine['board-dtb']}")


def link(source, target):
    """Makes a hard link, or a copy if the target is on another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def modules(machine, work):
    """Makes work/lib/modules/RELEASE with the index files of depmod; returns its path.

    A package lacks these files: its installation would make them. The modules are hard links or
    copies, because the readers follow no symlink out of the directory.
    """
    release = kernel(machine)[0]
    path = os.path.join(work, "lib/modules", release)
    # A kernel with everything built in has no such directory.
    os.makedirs(path, exist_ok=True)
    for folder in unpacked(machine):
        for name in (glob.glob(f"{folder}/lib/modules/{release}") +
                     glob.glob(f"{folder}/usr/lib/modules/{release}")):
            shutil.copytree(name, path, symlinks=True, copy_function=link, dirs_exist_ok=True)
    subprocess.run(["depmod", "-b", work, release], check=True, stderr=subprocess.PIPE)
    return path


def insert(machine, work, names):
    """The files of modules and of their dependencies, in the order in which to load them."""
    modules(machine, work)
    listed = subprocess.run(["modprobe", "-C", "/dev/null", "-d", work, "-S", kernel(machine)[0],
                             "-a", "--show-depends"] + names, check=True, text=True,
                            stdout=subprocess.PIPE).stdout
    return list(dict.fromkeys(re.findall(r"^insmod (\S+)", listed, re.MULTILINE)))
