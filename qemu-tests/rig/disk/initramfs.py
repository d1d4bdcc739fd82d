# SPDX-License-Identifier: LGPL-2.1-or-later
"""The initramfs of a cell: ours, made by rootstock-mkinitramfs, or another system's with
ostree-prepare-root in it. It is kept until something that goes into it changes."""

import os
import shutil

from rig.disk import disk, foreign, image
from rig.host import arch, kernels

TOOL = os.path.join(os.path.dirname(image.HERE), "initramfs/rootstock-mkinitramfs")


def command(build, cell, work, out):
    """The rootstock-mkinitramfs command that makes the file `out`."""
    plan = cell["initramfs"]
    init, words = os.path.join(work, "init"), [TOOL, "-o", out]
    if cell["expect"]["switches"] == "0":
        words += ["--init", init]
    else:
        words += ["--init", image.guest(build, cell["machine"], "before"),
                  "--include", init + ":/rootstock-init"]
    words += ["--kernel", kernels.kernel(cell["machine"])[0],
             "--moduledir", kernels.modules(cell["machine"], os.path.join(work, "modules"))]
    for name in plan["modules"]:
        words += ["--module", name]
    if plan["blob"] != "0":
        words += ["--include", os.path.join(work, "blob") + ":/blob"]
    if plan["conf"]:
        words += ["--include", os.path.join(work, "conf") + ":/etc/ostree/prepare-root.conf"]
    if plan["shell"] == "yes":
        words += ["--shell", shutil.which("busybox")]
    return words + (["--compress", plan["compress"]] if plan["compress"] else [])


def make(path, work, build, cell):
    """Makes the directory `path` with the image in it."""
    disk.run(["sh", "-euc", f"head -c {cell['initramfs']['blob']}M /dev/urandom >blob"], cwd=work)
    with open(os.path.join(work, "conf"), "w", encoding="utf-8") as out:
        out.write("".join(line + "\n" for line in cell["initramfs"]["conf"]))
    # Stripped, as "make install" does it.
    kind = cell["machine"]["arch"]
    disk.run([arch.tool(kind, "strip"), "-o", "init",
              os.path.join(arch.programs(build, kind), "rootstock-init")], cwd=work)
    os.mkdir(path)
    disk.run(command(build, cell, work, os.path.join(path, "initrd.img")))


def initramfs(build, cell):
    """The path of the cell's initramfs; None if it has none."""
    kind, vmlinuz = cell["initramfs"]["kind"], kernels.kernel(cell["machine"])[1]
    if kind == "none":
        return None
    if kind != "rootstock":
        return foreign.image(build, kind, vmlinuz)
    key = image.digest([TOOL, os.path.join(
        arch.programs(build, cell["machine"]["arch"]), "rootstock-init"), vmlinuz, __file__,
                        kernels.__file__] + [os.path.join(image.HERE, name) for name in
                                             image.GUESTS["before"]],
                       cell["initramfs"], cell["expect"]["switches"])
    path = image.replace(os.path.join(build, "qemu/images"),
                         image.own(cell, ".initramfs"), key,
                         lambda path, work: make(path, work, build, cell))
    return os.path.join(path, "initrd.img")
