#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-mkinitramfs --list on images of all formats, with one archive or several."""
import gzip
import lzma
import os
import re
import shutil
import subprocess
import sys

import fakekernel
from fakekernel import FILE, MAKER, image, run, tap, tree

PLAIN = ["--include", "/etc/passwd:/x"]
WORDS = PLAIN + ["--module", "firm", "--shell", shutil.which("busybox") or "busybox"]
KINDS = {"init": "init", "modules": "modules/", "firmware": "lib/firmware/", "shell": "bin/",
         "other": "x"}


def listed(where, data, status=0):
    """The list of an image: ({name: bytes}, the lines after the files, standard error)."""
    tap.write(where + "/listed", data)
    got, printed, said = run(("dash",), MAKER, "--list", where + "/listed")
    assert got == status, (got, printed, said)
    files, _, below = printed.decode().partition("\n\n")
    files, below = ([line.split(None, 1) for line in part.splitlines()] for part in (files, below))
    return {name: int(size) for size, name in files}, below, said


def archive(where, names):
    """An archive that cpio makes, padded to 512 bytes."""
    return subprocess.run(["cpio", "-o", "--quiet", "-H", "newc"], cwd=where, check=True,
                          input="\n".join(names).encode(), stdout=subprocess.PIPE).stdout


def whole(where):
    """The list has each file and each kind of file with its size, in every format."""
    for packing, words in (("cpio", WORDS + ["--compress", "none"]), ("gzip, cpio", WORDS),
                           ("lz4, cpio", WORDS + ["--compress", "lz4"]),
                           ("zstd, cpio", WORDS + ["--compress", "zstd"]),
                           ("U-Boot header, gzip, cpio", PLAIN + ["--uboot", "arm"]),
                           ("U-Boot header, cpio",
                            PLAIN + ["--uboot", "arm64", "--compress", "none"])):
        data = image(where, *words)
        plain = fakekernel.files(data[64:] if "--uboot" in words else data)
        files, below, said = listed(where, data)
        assert not said, said
        assert {name.split(" -> ")[0]: size for name, size in files.items()} == \
            {name: len(content) for name, content in plain.items()}
        wanted = []
        for kind, start in KINDS.items():
            sizes = [len(content) for name, content in plain.items() if name.startswith(start)]
            if sizes:
                wanted.append([str(sum(sizes)), f"{kind}, files: {len(sizes)}"])
        assert len(wanted) == (5 if "--shell" in words else 2), wanted
        assert below == wanted + [[str(sum(map(len, plain.values()))), "all"],
                                  [str(len(data)), f"the image ({packing})"]], below
        assert "--shell" not in words or files["bin/sh -> busybox"] == 7
    data = image(where, "--compress", "none")
    assert listed(where, lzma.compress(data, check=lzma.CHECK_CRC32))[1][-1][1] == \
        "the image (xz, cpio)"


def several(where):
    """An archive after another one is listed too: plain, packed, or after zeros."""
    tap.write(where + "/early/microcode", b"early")
    early = archive(where, ["early", "early/microcode"])
    main = image(where, "--compress", "gzip")
    for between in (b"", bytes(512), bytes(4)):
        files, below, said = listed(where, early + between + main)
        assert files == {"early/microcode": 5, "init": 6} and not said, (files, said)
        assert below[-1][1] == "the image (cpio, gzip, cpio)", below
    files, below, said = listed(where, early + early + bytes(1024))
    assert below[0] == ["10", "other, files: 2"] and not said, (below, said)
    # Two archives packed together.
    files, below, _ = listed(where, gzip.compress(early + gzip.decompress(main)))
    assert files == {"early/microcode": 5, "init": 6}, files
    assert below[-1][1] == "the image (gzip, cpio, cpio)", below


def damaged(where):
    """An archive of which cpio skips a member, whichever it is, or that cannot be unpacked is
    reported as damaged."""
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
    """Parts that cannot be read are reported with status 1, after the list of the others."""
    plain = image(where, "--compress", "none")
    for packed in (plain, image(where, "--compress", "gzip"), image(where, "--compress", "zstd"),
                   image(where, "--compress", "lz4")):
        files, _, said = listed(where, packed + b"what is this" * 99, status=1)
        assert files == {"init": 6} and len(said) == 1 and "contains more" in said[0], said
    for wrong in (b"", b"nonsense", b"\x27\x05\x19\x56" + bytes(60), bytes(512)):
        files, below, said = listed(where, wrong, status=1)
        assert not files and not below and len(said) == 1 and "is not an initramfs" in said[0], said
    for cut in (plain[:115], gzip.compress(plain)[:60], plain[:200]):
        files, below, said = listed(where, cut, status=1)
        assert not below and len(said) == 1 and "is damaged" in said[0], (files, below, said)
    status, printed, said = run(("dash",), MAKER, "--list", where + "/none")
    assert (status, printed, len(said)) == (1, b"", 1) and "there is no image" in said[0], said


def others(where):
    """Devices, symlinks and names with blanks are listed."""
    if os.getuid():
        raise tap.Skip("only root can make a device")
    os.mknod(where + "/console", 0o20600, os.makedev(5, 1))
    tap.write(where + "/a  file", b"12345678")
    os.symlink("a  file", where + "/link")
    files, below, said = listed(where, archive(where, ["console", "a  file", "link"]))
    assert files == {"console": 0, "a  file": 8, "link -> a  file": 7}, files
    assert below[0] == ["15", "other, files: 3"] and not said, below


def member(name, content=b"", mode=FILE, **fields):
    """A member of an archive, with header fields that may be wrong."""
    known = {"size": len(content), "length": len(name) + 1, **fields}
    head = b"070701" + b"".join(b"%08X" % number for number in (
        1, mode, 0, 0, 1, 0, known["size"], 0, 0, 0, 0, known["length"], 0)) + name + b"\0"
    head += bytes(-len(head) % 4)
    return head + content + bytes(-len(content) % 4)


def closed(*members):
    whole_archive = b"".join(members) + member(b"TRAILER!!!")
    return whole_archive + bytes(-len(whole_archive) % 512)


def odd_names(where):
    """Control characters in names are printed in visible form, and no file is created."""
    names = {b"\33[2J\7": "^[[2J^G", b"a\nb": "aM-^Jb", b"\x9b2J": "M-^[2J",
             b"\xc2\x9b": "M-BM-^[", b"\r\x7f": "^M^?", b"../../etc/x": "../../etc/x", b"/x": "/x",
             b"-rf *": "-rf *", b"%s\\n": "%s\\n"}
    files, below, said = listed(where, closed(*map(member, names), member(
        b"link", b"\33\n-rw-r--r-- 1 0 0 9 Jan 1 1970 init", 0o120777)))
    link = "link -> ^[M-^J-rw-r--r-- 1 0 0 9 Jan 1 1970 init"
    assert files == {link: 36, **{shown: 0 for shown in names.values()}}, files
    assert below[0] == ["36", "other, files: 10"] and not said, (below, said)
    status, _, said = run(("dash",), MAKER, "--list", where + "/\33[2J")
    assert status == 1 and len(said) == 1 and said[0].endswith("/^[[2J"), said
    assert os.listdir(where) == ["listed"], os.listdir(where)


def untrue(where):
    """Sizes in a header that exceed the archive are reported as damage."""
    for field in ("size", "length"):
        for number in (0xffffffff, 0x7fffffff, 100000):
            said = listed(where, closed(member(b"a", b"1", **{field: number})), 1)[2]
            assert len(said) == 1 and " is damaged: " in said[0], (field, number, said)


def endless(where):
    """Images that unpack to too much, or have too many archives or packings, are refused."""
    sentence = "unpacks to more than 1 GiB"
    for command in (["gzip", "-1"], ["lz4", "-l", "-1"], ["zstd", "-1"], ["xz", "-0"]):
        with open(where + "/bomb", "wb") as bomb, open("/dev/zero", "rb") as zeros:
            head = subprocess.Popen(["head", "-c", "1100M"], stdin=zeros, stdout=subprocess.PIPE)
            subprocess.run([*command, "-c"], stdin=head.stdout, stdout=bomb, check=True)
            head.stdout.close()
            assert head.wait() == 0
        status, printed, said = run(("dash",), MAKER, "--list", where + "/bomb", TMPDIR=where)
        assert (status, printed, len(said)) == (1, b"", 1) and sentence in said[0], (command, said)
        assert os.listdir(where) == ["bomb"], os.listdir(where)
    data = closed(member(b"init"))
    for _ in range(101):
        data = gzip.compress(data)
    for hostile in (data, closed(member(b"init")) * 100000):
        files, _, said = listed(where, hostile, 1)
        assert not files and len(said) == 1 and "more than 100 archives" in said[0], said


def called_wrongly(_):
    """list-image takes exactly one argument."""
    for words in ((), ("a", "b")):
        assert run(("dash",), fakekernel.TOP + "/initramfs/list-image", *words) == (
            2, b"", ["usage: list-image IMAGE"])


def no_room(where):
    """A full TMPDIR is reported as such, not as damage."""
    if os.getuid():
        raise tap.Skip("only root can mount")
    tap.write(where + "/image", gzip.compress(closed(member(b"init", bytes(1 << 20)))))
    status, printed, said = run(
        ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=64k tmpfs /mnt && "$@"', "sh",
         "dash"), MAKER, "--list", where + "/image", TMPDIR="/mnt")
    assert (status, printed, len(said)) == (1, b"", 1) and "no space left in /mnt" in said[0], said


if __name__ == "__main__":
    sys.exit(tap.main([
        ("every format", whole),
        ("more than one archive", several),
        ("damage", damaged),
        ("images and parts that cannot be read", unread),
        ("devices and names with blanks", others),
        ("hostile names", odd_names),
        ("wrong sizes in headers", untrue),
        ("images that unpack to too much", endless),
        ("wrong calls", called_wrongly),
        ("a full TMPDIR", no_room),
    ]))
