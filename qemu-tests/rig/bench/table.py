# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of the bench, in Markdown, and the size of images."""

import gzip
import lzma
import os
import stat
import subprocess

COLUMNS = (("initramfs", 48), ("root=", 8), ("disk", 6), ("image, bytes", 12), ("files", 5),
           ("unpack", 7), ("to real init", 12), ("lowest – highest", 17), ("whole boot", 10),
           ("system calls", 12))
NOTE = """Millions of guest instructions, medians of %d boots. *unpack*: the kernel unpacks the
image. *to real init*: from the kernel's "Run … as init process" to the first code of the disk's own
init; this includes the start of that program (see the row without OSTree). *system calls*: those of
all processes in that time. *whole boot*: from reset to the same point."""
# (the first bytes of an archive, what decompresses it). The kernel knows only lz4's old format.
FORMATS = ((b"070701", lambda data: data), (b"\x1f\x8b", gzip.decompress),
           (b"\xfd7zXZ", lzma.decompress),
           (b"\x02\x21\x4c\x18", lambda data: piped(["lz4", "-dcq"], data)),
           (b"\x28\xb5\x2f\xfd", lambda data: piped(["zstd", "-dcq"], data)))


def piped(words, data):
    """The output of a program that gets `data` as input."""
    return subprocess.run(words, input=data, stdout=subprocess.PIPE, check=True).stdout


def files(data):
    """The number of regular files in an image that is one newc archive, compressed or not."""
    for start, decompress in FORMATS:
        if data.startswith(start):
            data, found, at = decompress(data), 0, 0
            while data[at + 110:at + 121] != b"TRAILER!!!\0":
                if data[at:at + 6] != b"070701":
                    raise ValueError(f"the archive breaks off at byte {at}")
                mode, size, name = (int(data[at + 6 + 8 * field:][:8], 16) for field in (1, 6, 11))
                found += stat.S_ISREG(mode)
                at = -(-(at + 110 + name) // 4) * 4
                at = -(-(at + size) // 4) * 4
            return found
    raise ValueError(f"an image in no known format: {data[:8]!r}")


def weigh(initrd):
    """{bytes, files} of an image; zeros for None."""
    if not initrd:
        return {"bytes": 0, "files": 0}
    with open(initrd, "rb") as source:
        return {"bytes": os.path.getsize(initrd), "files": files(source.read())}


def line(cells):
    """Cells as a line: the first three aligned to the left, numbers to the right."""
    padded = [text.ljust(width) if index < 3 else text.rjust(width)
              for index, (text, (_, width)) in enumerate(zip(cells, COLUMNS))]
    return f"| {' | '.join(padded)} |"


def head():
    """The first two lines of the table."""
    rule = ["-" * width if index < 3 else "-" * (width - 1) + ":"
            for index, (_, width) in enumerate(COLUMNS)]
    return line([name for name, _ in COLUMNS]) + "\n" + line(rule)


def row(found):
    """The line of a measured row; see measure() in bench."""
    def million(key):
        return f"{found[key] / 1e6:.2f}"

    weight = ["%d" % found[key] for key in ("bytes", "files")] if found["bytes"] else ["-", "-"]
    return line([found["about"], found["root"], found["bus"], *weight,
                 million("unpack") if found["bytes"] else "-", million("init"),
                 f"{million('low')} – {million('high')}", f"{found['boot'] / 1e6:.0f}",
                 "%d" % found["calls"]])
