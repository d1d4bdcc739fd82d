#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-mkinitramfs --list: what is in images of all formats, of one archive and of more."""
import gzip
import lzma
import os
import re
import shutil
import subprocess
import sys

import fakekernel
from fakekernel import MAKER, image, run, tap, tree

WORDS = ["--module", "firm", "--include", "/etc/passwd:/x",
         "--shell", shutil.which("busybox") or "busybox"]


def listed(where, data, status=0):
    """({name: bytes}, lines below, standard error) of the list of an image."""
    tap.write(where + "/listed", data)
    got, printed, said = run(("dash",), MAKER, "--list", where + "/listed")
    assert got == status, (got, printed, said)
    files, _, below = printed.decode().partition("\n\n")
    files, below = ([line.split(None, 1) for line in part.splitlines()] for part in (files, below))
    return {name: int(size) for size, name in files}, below, said


def archive(where, names):
    """An archive by cpio alone, padded to 512 bytes."""
    return subprocess.run(["cpio", "-o", "--quiet", "-H", "newc"], cwd=where, check=True,
                          input="\n".join(names).encode(), stdout=subprocess.PIPE).stdout


def whole(where):
    """Each file and each part with its bytes, in whatever it is packed."""
    init, busybox = os.path.getsize(tree() + "/init"), os.path.getsize(shutil.which("busybox"))
    for packing, words in (("cpio", ["--compress", "none"]), ("gzip, cpio", []),
                           ("lz4, cpio", ["--compress", "lz4"]),
                           ("zstd, cpio", ["--compress", "zstd"]),
                           ("U-Boot header, gzip, cpio", ["--uboot", "arm"]),
                           ("U-Boot header, cpio", ["--uboot", "arm64", "--compress", "none"])):
        data = image(where, *WORDS, *words)
        plain = fakekernel.files(data[64:] if "--uboot" in words else data)
        files, below, said = listed(where, data)
        assert not said, said
        assert {name.split(" -> ")[0]: size for name, size in files.items()} == \
            {name: len(content) for name, content in plain.items()}
        size = {kind: sum(len(content) for name, content in plain.items() if name.startswith(kind))
                for kind in ("modules/", "lib/firmware/", "bin/")}
        links = len([name for name in plain if name.startswith("bin/")])
        assert below == [
            [str(init), "init, files: 1"], [str(size["modules/"]), "modules, files: 2"],
            [str(size["lib/firmware/"]), "firmware, files: 2"],
            [str(size["bin/"]), f"shell, files: {links}"],
            [str(os.path.getsize("/etc/passwd")), "other, files: 1"],
            [str(sum(map(len, plain.values()))), "all"],
            [str(len(data)), f"the image ({packing})"]], below
        assert size["bin/"] == busybox + 7 * (links - 1) and files["bin/sh -> busybox"] == 7
    data = image(where, "--compress", "none")
    assert listed(where, lzma.compress(data, check=lzma.CHECK_CRC32))[1][-1][1] == \
        "the image (xz, cpio)"


def several(where):
    """What comes behind an archive, plain, packed, and after zeros, is listed too."""
    tap.write(where + "/early/microcode", b"early")
    early = archive(where, ["early", "early/microcode"])
    main = image(where, "--compress", "gzip")
    for between in (b"", bytes(512), bytes(4)):
        files, below, said = listed(where, early + between + main)
        assert files == {"early/microcode": 5, "init": 6} and not said, (files, said)
        assert below[-1][1] == "the image (cpio, gzip, cpio)", below
    files, below, said = listed(where, early + early + bytes(1024))
    assert below[0] == ["10", "other, files: 2"] and not said, (below, said)
    # Inside of what is packed.
    files, below, _ = listed(where, gzip.compress(early + gzip.decompress(main)))
    assert files == {"early/microcode": 5, "init": 6}, files
    assert below[-1][1] == "the image (gzip, cpio, cpio)", below


def damaged(where):
    """An archive of which cpio passes over a part, or a packing that cannot be undone, is said to
    be damaged, in whichever member that is."""
    plain = image(where, *WORDS, "--compress", "none")
    headers = [found.start() for found in re.finditer(rb"070701[0-9A-F]{104}", plain)]
    assert len(headers) > len(fakekernel.files(plain)), headers
    for at in headers[1:]:
        said = listed(where, plain[:at] + b"1" + plain[at + 1:], status=1)[2]
        assert len(said) == 1 and " is damaged: " in said[0], (at, said)
    for packing in ("gzip", "lz4", "zstd"):
        packed = image(where, *WORDS, "--compress", packing)
        for cut in (8, 20):
            said = listed(where, packed[:cut], status=1)[2]
            assert len(said) == 1 and f" is damaged: {packing} cannot unpack it" in said[0], said


def unread(where):
    """What is not read is said, with status 1, after what is."""
    plain = image(where, "--compress", "none")
    for packed in (plain, image(where, "--compress", "gzip"), image(where, "--compress", "zstd"),
                   image(where, "--compress", "lz4")):
        files, _, said = listed(where, packed + b"what is this" * 99, status=1)
        assert files == {"init": 6} and len(said) == 1 and "has more than these" in said[0], said
    for wrong in (b"", b"nonsense", b"\x27\x05\x19\x56" + bytes(60), bytes(512)):
        files, below, said = listed(where, wrong, status=1)
        assert not files and not below and len(said) == 1 and "is no initramfs" in said[0], said
    for cut in (plain[:115], gzip.compress(plain)[:60], plain[:200]):
        files, below, said = listed(where, cut, status=1)
        assert not below and len(said) == 1 and "is damaged" in said[0], (files, below, said)
    status, printed, said = run(("dash",), MAKER, "--list", where + "/none")
    assert (status, printed, len(said)) == (1, b"", 1) and "there is no image" in said[0], said


def others(where):
    """Devices, names with blanks, and the images of other systems."""
    if os.getuid():
        raise tap.Skip("only root can make a device")
    os.mknod(where + "/console", 0o20600, os.makedev(5, 1))
    tap.write(where + "/a  file", b"12345678")
    tap.write(where + "/\33\xe9", b"1")
    os.symlink("a  file", where + "/link")
    files, below, said = listed(where, archive(where, ["console", "a  file", "link", "\33\xe9"]))
    assert files == {"console": 0, "a  file": 8, "link -> a  file": 7, "?\xe9": 1}, files
    assert below[0] == ["16", "other, files: 4"] and not said, below


if __name__ == "__main__":
    sys.exit(tap.main([
        ("every format", whole),
        ("more than one archive", several),
        ("damage", damaged),
        ("what cannot be read", unread),
        ("devices and odd names", others),
    ]))
