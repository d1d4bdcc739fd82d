# SPDX-License-Identifier: LGPL-2.1-or-later
"""The smallest files that rootstock-bls takes for a kernel and for an initramfs."""

# The header of a 64-bit x86 kernel: protocol 2.15, a command line of 2047 bytes (Linux,
# Documentation/arch/x86/boot.rst).
KERNEL = (bytes(0x202) + b"HdrS" + bytes([15, 2]) + bytes(0x2e) + bytes([1, 0]) +
          (2047).to_bytes(4, "little")).ljust(1024, b"\0")


def archive(files):
    """A cpio archive of {name: content}."""
    out = b""
    for name, content in [*files.items(), ("TRAILER!!!", b"")]:
        fields = [0, 0o100755, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4)
        out += content + bytes(-len(content) % 4)
    return out


# Of initramfs-tools, with rootstock's hook.
INITRAMFS = archive({"init": b"#!/bin/sh\n", "scripts/functions": b"",
                     "usr/lib/ostree/ostree-prepare-root": b"x"})
