#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Images of rootstock-mkinitramfs --uboot in mkimage and in real U-Boots for arm and arm64: the
checksums of header and data are right, a flipped bit is detected, and the kernel gets the data
after the header."""
import functools
import os
import re
import subprocess
import sys

from fakekernel import TOP, image, of_machine, tap, unpacked


from testlib import realuboot

HEADER = 64
START = {"arm": "bootz", "arm64": "booti"}
SAID = {"arm": "ARM", "arm64": "AArch64"}


def dated(where):
    """U-Boot's header has the image's type and date."""
    plain = image(where)
    for arch, said in (("arm", "ARM Linux RAMDisk Image (uncompressed)"),
                       ("arm64", "AArch64 Linux RAMDisk Image (uncompressed)")):
        data = image(where, "--uboot", arch, TZ="UTC")
        assert data[HEADER:] == plain, arch
        header = subprocess.run(["mkimage", "-l", where + "/image"], check=True, text=True,
                                stdout=subprocess.PIPE, env=dict(os.environ, TZ="UTC")).stdout
        assert said in header and "Thu Jan  1 00:00:00 1970" in header, header
    data = image(where, "--uboot", "arm", SOURCE_DATE_EPOCH="1000000000")
    assert data[8:12] == (1000000000).to_bytes(4, "big")
    assert unpacked(data[HEADER:])[46:54] == b"3B9ACA00"


def flipped(data, at):
    """The bytes with one bit changed."""
    return data[:at] + bytes([data[at] ^ 16]) + data[at + 1:]


def uboots(where, arch, blobs, lines):
    """U-Boot, stopped after it ran a script in which {name} is the address of a blob."""
    memory, addresses = b"", {}
    for name, blob in blobs.items():
        memory += b"\0" * (-len(memory) % 4096)
        addresses[name] = f"{realuboot.INPUT + len(memory):x}"
        memory += blob
    return realuboot.source(where, arch, [line.format(**addresses) for line in lines], memory)


def made(where, arch, *words):
    """An image with a rootstock-init whose ELF header names this architecture."""
    init = f"{where}/init-{arch}"
    tap.write(init, of_machine(tap.read(tap.BUILD + "/rootstock-init"), arch))
    return image(where, "--init", init, *words)


def judged(arch, where):
    """iminfo shows the image's type and accepts it only with correct checksums."""
    data = made(where, arch, "--uboot", arch)
    blobs = {"whole": data, "header": flipped(data, HEADER // 2),
             "first": flipped(data, HEADER), "last": flipped(data, len(data) - 1),
             "cut": data[:len(data) // 2]}
    lines = [line for name in blobs for line in (
        f"echo BEGIN {name}", f"if iminfo {{{name}}}; then echo TAKEN; else echo REFUSED; fi")]
    with uboots(where, arch, blobs, lines) as machine:
        console = machine.console.decode("latin-1").replace("\r", "")
    found = dict(re.findall(r"^BEGIN (\w+)\n(.*?^(?:TAKEN|REFUSED))$", console,
                            re.MULTILINE | re.DOTALL))
    assert list(found) == list(blobs), console
    for line in ("   Image Name:   rootstock\n", f"   Data Size:    {len(data) - HEADER} Bytes",
                 f"   Image Type:   {SAID[arch]} Linux RAMDisk Image (uncompressed)\n",
                 "   Verifying Checksum ... OK\nTAKEN"):
        assert line in found["whole"], (line, found["whole"])
    assert found["header"].endswith("Bad Header Checksum\nREFUSED"), found["header"]
    for name in ("first", "last", "cut"):
        assert found[name].endswith("   Bad Data CRC\nREFUSED"), found[name]


def started(arch, where):
    """bootz and booti accept the image, and the kernel gets the data after the header, still
    packed."""
    plain = made(where, arch, "--compress", "gzip")
    ours = made(where, arch, "--compress", "gzip", "--uboot", arch)
    # The kernel comes first because booti would move it to the next 2 MiB, over other blobs.
    blobs = {"kernel": realuboot.make_stub(where, arch), "fdt": realuboot.make_fdt("board", 4096),
             "damaged": flipped(ours, len(ours) // 2), "ours": ours,
             "other": made(where, "arm64", "--compress", "gzip", "--uboot", "arm64")}
    # U-Boot for arm64 accepts an image for arm too.
    names = ["other", "damaged", "ours"] if arch == "arm" else ["damaged", "ours"]
    lines = [f"echo BEGIN {name}; {START[arch]} {{kernel}} {{{name}}} {{fdt}}" for name in names]
    with uboots(where, arch, blobs, lines) as machine:
        console = machine.console.decode("latin-1")
        assert machine.reason == "guest-shutdown", console
        tree = machine.device_tree(machine.register("X19" if arch == "arm64" else "R04"))
        first, end = (int.from_bytes(tree["/chosen/linux,initrd-" + which], "big")
                      for which in ("start", "end"))
        assert machine.memory(first, end - first) == plain, console
    assert console.count("BEGIN ") == len(names), console
    found = dict(zip(names, console.split("BEGIN ")[1:]))
    assert "Bad Data CRC" in found["damaged"], console
    if arch == "arm":
        assert "No Linux ARM Ramdisk Image" in found["other"], console


TESTS = [(f"{name} on {arch}", functools.partial(test, arch)) for arch in START
         for name, test in (("iminfo", judged), (START[arch], started))]
MISSING = realuboot.missing()
if MISSING:
    TESTS = tap.skipped(TESTS, f"{MISSING} is not installed")
sys.exit(tap.main([("mkimage and the date", dated)] + TESTS))
