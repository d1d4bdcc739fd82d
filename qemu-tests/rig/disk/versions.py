# SPDX-License-Identifier: LGPL-2.1-or-later
"""The versions of a tree that a device gets in its life, in an archive repository for the update
server. They have all files of `make install`, and differ from A as their names say."""

import os
import random

from rig.disk import debian, disk, image, initramfs, loaders, releases, sysroot
from rig.host import arch, kernels

# The Debian release of the other kernel.
OTHER = "trixie"
# What each version has other than A: a kernel of another release, or an initramfs.
VERSIONS = {"A": {}, "B": {}, "kernel": {"kernel": OTHER}, "initramfs": {"initramfs": True}}
LIFE = os.path.join(image.HERE, "guest/life.sh")
INIT = os.path.join(image.HERE, "guest/lifeinit.sh")
NETWORK = ["virtio_pci", "virtio_net"]
# The number of files that only one version has, so that a pull takes a while.
FILES = 200


def versions(cell):
    """The versions that the steps of a cell's life name, and A, which is on the disk at the
    start."""
    words = {word for boot in cell["life"] for step in boot["steps"] for word in step.split()}
    return [name for name in VERSIONS if name == "A" or name in words]


def kernel_of(cell, version):
    """The cell's machine with the kernel of a version."""
    words = cell["machine"]["kernel"].split()
    return dict(cell["machine"], kernel=" ".join(
        [VERSIONS[version].get("kernel", words[0])] + words[1:]))


def install(build, tree, kind):
    """Runs `make install` into a tree."""
    top = os.path.dirname(image.HERE)
    disk.run(["make", "-s", "-C", top, "install", "DESTDIR=" + tree, "PREFIX=/usr",
              "ARCH=" + kind["arch"],
              "BUILD=" + os.path.relpath(arch.programs(build, kind["arch"]), top),
              "BOOTLOADER=" + loaders.of(kind).generator.split("-")[1]])


def drivers(tree, machine, work):
    """Puts the network card's modules and a list of their order into a tree without kmod."""
    folder = os.path.join(tree, "usr/lib/life")
    os.makedirs(folder)
    files = kernels.insert(machine, work, NETWORK)
    disk.run(["cp", "-L"] + files + [folder])
    with open(os.path.join(folder, "order"), "w", encoding="ascii") as out:
        out.write("".join(os.path.basename(file) + "\n" for file in files))


def mark(tree, version):
    """Adds files that distinguish the versions: in /usr, and in /usr/etc for the merge."""
    texts = {"usr/share/life/only-" + version: version}
    texts.update({"usr/etc/life/" + name: "default of " + version
                  for name in ("edited", "removed", "default", "only-" + version)})
    for number in range(FILES):
        noise = random.Random(f"{version} {number}").randbytes(4096)
        texts[f"usr/share/life/{version}/{number}"] = noise.hex()
    for name, text in texts.items():
        path = os.path.join(tree, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as out:
            out.write(text + "\n")


def programs(cell):
    """{path in the tree: path here} of the programs that the steps of a boot use."""
    kind, release = cell["machine"], cell["disk"]["ostree"]
    tops = arch.files(kind["arch"], "ostree", "busybox-static")
    files = {"usr/bin/busybox": arch.find(tops, "/bin/busybox", "/usr/bin/busybox")}
    if cell["disk"]["userland"] == "debian":
        return files
    if release:
        tops = [releases.unpacked(release, kind["kernel"].split()[1])]
    files["usr/bin/ostree"] = arch.find(tops, "/usr/bin/ostree")
    return dict(files, **arch.libraries(kind["arch"], tops, files["usr/bin/ostree"]))


def make_tree(build, cell, version, tree, work):
    """Makes one version of the tree."""
    machine = kernel_of(cell, version)
    release, vmlinuz = kernels.kernel(machine)
    files = {f"usr/lib/modules/{release}/vmlinuz": vmlinuz, debian.JUDGE: LIFE,
             **programs(cell), **loaders.of(machine).tree(build)}
    if "initramfs" in VERSIONS[version]:
        files[f"usr/lib/modules/{release}/initramfs.img"] = initramfs.initramfs(build, dict(
            cell, machine=machine, initramfs=dict(cell["initramfs"], kind="rootstock")))
    if cell["disk"]["userland"] == "debian":
        files[debian.UNIT] = debian.SERVICE
        debian.make_tree(tree, files, version, machine)
    else:
        files["usr/sbin/init"] = INIT
        sysroot.make_tree(tree, files, version)
        drivers(tree, machine, work)
    install(build, tree, machine)
    mark(tree, version)


def make(path, work, build, cell):
    """Makes the repository `path` with all versions of a cell."""
    sysroot.begin(path, "archive")
    for version in versions(cell):
        tree = os.path.join(work, "tree-" + version)
        make_tree(build, cell, version, tree, os.path.join(work, "modules-" + version))
        sysroot.commit_tree(path, tree, version)
    disk.run(["ostree", "--repo=" + path, "summary", "--update"])


def repository(build, cell):
    """(path of the repository with the versions of a cell, {version: commit})."""
    found, kind, plan = versions(cell), cell["machine"], cell["disk"]
    folder = arch.programs(build, kind["arch"])
    ours = [os.path.join(folder, name) for name in os.listdir(folder)
            if os.path.isfile(os.path.join(folder, name)) and "." not in name]
    key = image.digest(
        sorted(ours) + sorted(programs(cell).values()) +
        sorted(loaders.of(kind).tree(build).values()) + [
            kernels.kernel(kernel_of(cell, version))[1] for version in found] + [
                LIFE, INIT, sysroot.__file__, debian.__file__, initramfs.__file__, __file__],
        found, kind["loader"], plan["userland"], plan["ostree"])
    name = f"{plan['userland']}{plan['ostree']}-life-{cell['name'].split('/')[0]}-{'-'.join(found)}"
    with image.lock:
        path = image.replace(os.path.join(build, "qemu/images"), name, key,
                             lambda path, work: make(path, work, build, cell))
    return path, {version: disk.run(["ostree", "--repo=" + path, "rev-parse",
                                     "demo/" + version]).strip() for version in found}
