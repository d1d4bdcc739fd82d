# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs ostree-uboot-generator on a directory like a sysroot, and reads its uEnv.txt.
"""
import re
import zlib


from testlib.generator import UBOOT
from testlib.tap import read, write

PROGRAM, make, generate = UBOOT.program, UBOOT.make, UBOOT.generate
check_says, fails = UBOOT.check_says, UBOOT.fails

FIELDS = ["kernel_image", "bootdir", "ramdisk_image", "ramdisk_images", "fdt_file", "fdtdir",
          "bootargs"]
END = 49
RECORD = re.compile(rb"([^=\n]*)(?:=((?:[^\\\n]|\\.|\\\Z)*))?(?:\n(.*))?", re.DOTALL)


def imports(uenv, environment=None):
    """The environment after U-Boot's "env import -t", by the description of its himport_r.

    A name ends at "=" or the end of its line, a value at a line end without a backslash before it;
    a name without a value deletes; a record without a name ends the import."""
    assert b"\0" not in uenv
    found = dict(environment or {})
    while uenv:
        uenv = uenv.lstrip(b" \t")
        if uenv.startswith(b"#"):
            uenv = uenv.partition(b"\n")[2]
            continue
        name, value, uenv = RECORD.fullmatch(uenv).groups(default=b"")
        if not value:
            found.pop(name, None)
        elif name:
            found[name] = re.sub(rb"\\(.)", rb"\1", value, flags=re.DOTALL)
        else:
            raise ValueError("a record without a name")
    return found


def checked(uenv):
    """The two lines that follow these lines in a complete file."""
    return b"rootstock_crc32=%s\nrootstock_complete=1\n" % (
        zlib.crc32(uenv).to_bytes(4, "big").hex(" ").encode())


def parse(uenv):
    """The entries, dictionaries of the fields that are set, and the other variables of the file."""
    # Each name that an earlier import may have set must be set or deleted, but if no entry has a
    # device tree, the board's own stays.
    found = {k.decode("latin-1"): v for k, v in imports(uenv).items()}
    used = {name.rstrip("0123456789") for name in found}
    stale = {name + suffix for name in FIELDS for suffix in ["", *map(str, range(2, 10))]
             if not name.startswith("fdt") or name in used}
    end = uenv[-END:]
    assert end == checked(uenv[:-END]), uenv
    left = imports(uenv, {k.encode(): b"" for k in stale})
    assert {k.decode("latin-1"): v for k, v in left.items()} == found, "an old value would stay"
    assert found.pop("rootstock_complete") == b"1" and found.pop("rootstock_crc32")
    entries = []
    while True:
        suffix = str(len(entries) + 1) if entries else ""
        values = {name: found.pop(name + suffix) for name in FIELDS if name + suffix in found}
        if not values:
            return entries, found
        assert "kernel_image" in values, values
        entries.append(values)
