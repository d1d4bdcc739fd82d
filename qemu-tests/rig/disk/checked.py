# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `rootstock-bls check` finds in a sysroot before it becomes a cell's disk. The judge compares
that with what the machine did."""

import glob
import json
import os
import re
import shutil
import subprocess

PROGRAM = "rootstock-bls"
INITRAMFS = "/boot/beside.img"


def with_initramfs(root, initrd, generator, menu, work):
    """A copy of the sysroot as libostree would have made it with the initramfs that QEMU loads,
    because the machine has no boot loader."""
    copy = os.path.join(work, "checked")
    subprocess.run(["cp", "-al", root, copy], check=True)
    shutil.copy(initrd, copy + INITRAMFS)
    for path in glob.glob(copy + "/boot/loader/entries/*.conf"):
        with open(path, encoding="utf-8") as source:
            text = re.sub(r" init=\S*/ostree-prepare-root", "", source.read())
        # The file is a hard link to that of the sysroot.
        os.unlink(path)
        with open(path, "w", encoding="utf-8") as out:
            out.write(f"{text.rstrip()}\ninitrd {INITRAMFS}\n")
    subprocess.run([generator, "-o", os.path.join(copy, "boot/loader", menu)], check=True)
    return copy


def check(build, root, loader, initrd, work):
    """{"ids": those of the findings, "boots": [whether this entry boots], the default first}."""
    copy = initrd and with_initramfs(root, initrd, os.path.join(build, loader.generator),
                                     loader.menu, work)
    done = subprocess.run([os.path.join(build, PROGRAM), "check", "--json", "--root", copy or root],
                          check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if copy:
        shutil.rmtree(copy)
    if done.returncode not in (0, 1) or done.stderr:
        raise RuntimeError(f"{PROGRAM} check: {done.stderr or done.returncode}")
    found = json.loads(done.stdout)
    return {"ids": sorted({finding["id"] for finding in found["findings"]}),
            "boots": [entry["boots"] for entry in found["entries"]]}
