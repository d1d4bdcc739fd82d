# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware of machines: files of Debian's packages, of this release or another one, unpacked.

U-Boot keeps its default environment as text in its image. Where that does not suit a board its
maker compiles another one; `bios-patch` puts another value over one of no shorter length in a copy.
"""

import hashlib
import os
import struct
import tempfile

from rig.host import kernels


def cache():
    """The folder of our own in the user's cache."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "rootstock")


def kept(data, name):
    """The path of a file of these bytes in the cache."""
    folder = os.path.join(cache(), "firmware")
    found = os.path.join(folder, hashlib.sha256(data).hexdigest()[:16] + "-" + name)
    if not os.path.exists(found):
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
            out.write(data)
        os.rename(out.name, found)
    return found


def headless(path):
    """The program in an i.MX image, after the vector table that holds its address (i.MX 6Dual/6Quad
    reference manual, 8.7.1: the words at 4 and 20 are the entry's and the table's own address)."""
    with open(path, "rb") as source:
        data = source.read()
    entry, own = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 20)[0]
    return kept(data[entry - own:], os.path.basename(path))


def patched(path, patch):
    """A copy of the file in the cache, with the patches "OLD|NEW", one a line, in it."""
    with open(path, "rb") as source:
        data = source.read()
    for line in patch.splitlines():
        old, new = line.strip().encode().split(b"|")
        if old + b"\0" not in data or len(new) > len(old):
            raise RuntimeError("%s: '%s' is not there, or shorter than '%s'" % (
                path, old.decode(), new.decode()))
        data = data.replace(old, new.ljust(len(old)))
    return kept(data, os.path.basename(path))


def words(machine):
    """QEMU's words for the machine's firmware; none where QEMU's own will do."""
    path = machine["bios"]
    if machine["bios-package"]:
        path = kernels.debs(*machine["bios-package"].split())[0] + path
    if machine["bios-patch"]:
        path = patched(path, machine["bios-patch"].strip())
    if machine["bios-address"]:
        return ["-device", "loader,file=%s,addr=%s,force-raw=on,cpu-num=0" % (
            headless(path), machine["bios-address"])]
    return [machine["bios-option"], path] if path else []
