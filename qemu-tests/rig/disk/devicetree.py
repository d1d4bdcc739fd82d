# SPDX-License-Identifier: LGPL-2.1-or-later
"""A board's device tree for the deployment: QEMU's own for the machine, under another name, by
which the guest can tell that the kernel was started with it."""

from rig.disk import disk
from rig.host import firmware


def make(path, machine, model):
    """Writes the device tree of a machine, whose model is `model`, to a file."""
    # With a firmware the board has other devices than without.
    disk.run(machine["qemu"].split() + firmware.words(machine) + [
        "-machine", "dumpdtb=" + path, "-display", "none"])
    disk.run(["fdtput", "-t", "s", path, "/", "model", model])
