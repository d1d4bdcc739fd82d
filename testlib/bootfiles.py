# SPDX-License-Identifier: LGPL-2.1-or-later
"""The smallest files that rootstock-bls takes for a kernel and for an initramfs."""

# The header of a 64-bit x86 kernel: protocol 2.15, a command line of 2047 bytes (Linux,
# Documentation/arch/x86/boot.rst).
KERNEL = (bytes(0x202) + b"HdrS" + bytes([15, 2]) + bytes(0x2e) + bytes([1, 0]) +
          (2047).to_bytes(4, "little")).ljust(1024, b"\0")


def elf(machine, interpreter=b""):
    """An ELF program of 64 bits for this machine (elf(5)), with or without an interpreter."""
    header = (b"\x7fELF\2\1\1" + bytes(9) + b"\2\0" + machine.to_bytes(2, "little") + bytes(12) +
              (64).to_bytes(8, "little") + bytes(12) + bytes([64, 0, 56, 0, 1, 0])).ljust(64, b"\0")
    kind, size = (3, len(interpreter) + 1) if interpreter else (1, 0)
    segment = [kind.to_bytes(8, "little"), (120).to_bytes(8, "little"), bytes(16),
               size.to_bytes(8, "little"), bytes(16)]
    return header + b"".join(segment) + interpreter + b"\0"


# A static program for the same machine as the kernel.
PROGRAM = elf(62)
# The header of a device tree (Devicetree Specification, 5.2), with nothing in it.
DTB = b"".join(word.to_bytes(4, "big") for word in (0xd00dfeed, 48, 40, 48, 40, 17, 16, 0, 0, 0)).ljust(48, b"\0")


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
