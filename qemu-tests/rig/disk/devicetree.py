# SPDX-License-Identifier: LGPL-2.1-or-later
"""A device tree for the deployment: QEMU's own with another model name, by which the guest can tell
that the kernel got this one."""

from rig.disk import disk
from rig.host import firmware


def make(path, machine, model):
    """Writes the device tree of a machine, with the name `model`, to a file."""
    # With a firmware the board has other devices than without one.
    disk.run(machine["qemu"].split() + firmware.words(machine) + [
        "-machine", "dumpdtb=" + path, "-display", "none"])
    disk.run(["fdtput", "-t", "s", path, "/", "model", model])
