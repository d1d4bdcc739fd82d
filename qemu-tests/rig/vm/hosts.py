# SPDX-License-Identifier: LGPL-2.1-or-later
"""How this host runs the machines: which accelerator works, and how slow it is."""

import threading

from rig.host import kernels
from rig.vm import machine


class Hosts:
    """(accelerator, scale of the time limits) for each kind of machine, measured at the first use
    and then printed by `say`. If a scale is given, nothing is measured, and TCG is used."""

    def __init__(self, scale=None, say=print):
        self.known, self.lock, self.scale, self.say = {}, threading.Lock(), scale, say

    def measure(self, kind):
        """(accelerator, scale) for a machine; boots a bare kernel once for each QEMU command."""
        with self.lock:
            if kind["qemu"] not in self.known:
                found = "tcg", self.scale
                if not self.scale:
                    vmlinuz = kernels.kernel(kind)[1]
                    accel = machine.accelerator(kind, vmlinuz)
                    found = accel, machine.calibrate(kind, accel, vmlinuz)
                self.known[kind["qemu"]] = found
                self.say(f"# {kind['arch']}: {machine.limits(*found)}")
            return self.known[kind["qemu"]]

    def __str__(self):
        accels = sorted({accel.upper() for accel, _ in self.known.values()})
        scales = sorted({f"{scale:.1f}" for _, scale in self.known.values()}, key=float)
        return "%s, limits times %s" % ("+".join(accels), " to ".join(
            scales[:1] + scales[1:][-1:])) if accels else "nothing booted"
