#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-mkinitramfs on Debian's kernels: the modules in an image have the kernel's content, and
each one comes after its dependencies, for each architecture and packing."""
import glob
import lzma
import os
import sys

import fakekernel
from fakekernel import files, modinfo, order, tap, tree

from rig.host import kernels

# The modules that btrfs needs at least, according to the kernel's sources.
WANTED = {"btrfs", "libcrc32c", "xor", "raid6_pq", "blake2b_generic"}


def kernel(where, packages):
    try:
        return kernels.modules({"kernel": packages}, where + "/modules")
    except RuntimeError as reason:
        raise tap.Skip(str(reason)) from reason


def built(where, packages):
    """An image with modules for a virtio disk; ({name: content}, the order)."""
    folder = kernel(where, packages)
    tree()  # for the tools
    data = fakekernel.image(where, "--moduledir", folder, "--module", "btrfs", "--module",
                            "virtio_blk", "--module", "virtio_pci", "--compress", "none")
    assert order(data) == list(dict.fromkeys(order(data))), order(data)
    seen = {name.replace("-", "_") for name in builtin(folder)}
    for name in order(data):
        content = files(data)["modules/" + name]
        path, = glob.glob(f"{folder}/kernel/**/{name}*", recursive=True)
        real = tap.read(path)
        assert content == (lzma.decompress(real) if path.endswith(".xz") else real), name
        needs = {needed.replace("-", "_") for text in modinfo(b"\0" + content, b"depends")
                 for needed in text.split(",") if needed}
        assert needs <= seen, (name, needs - seen)
        seen.add(name[:-len(".ko")].replace("-", "_"))
    assert len(files(data)) == len(order(data)) + 2
    assert WANTED | {"virtio_blk", "virtio_pci"} <= seen, seen
    assert {"virtio_blk.ko", "btrfs.ko"} <= set(order(data)), order(data)
    return order(data)


def builtin(folder):
    """The names of the built-in modules."""
    return [os.path.basename(line)[:-len(".ko")]
            for line in tap.read(folder + "/modules.builtin").decode().splitlines()]


def amd64(where):
    """A softdep is obeyed: crc32c-intel, without which btrfs is 8 times as slow, comes first."""
    found = built(where, "bookworm amd64 meta:linux-image-cloud-amd64")
    assert found.index("crc32c-intel.ko") < found.index("btrfs.ko"), found


def arm64(where):
    built(where, "bookworm arm64 meta:linux-image-cloud-arm64")


def packed(where):
    built(where, "trixie amd64 meta:linux-image-cloud-amd64")
    assert glob.glob(where + "/modules/lib/modules/*/kernel/**/btrfs.ko.xz", recursive=True)


if __name__ == "__main__":
    sys.exit(tap.main([
        ("Debian 12, amd64", amd64),
        ("Debian 12, arm64", arm64),
        ("Debian 13, amd64, modules packed with xz", packed),
    ]))
