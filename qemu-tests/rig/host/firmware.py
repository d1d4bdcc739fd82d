# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware of machines: files from Debian packages of any release.

U-Boot has its default environment as text in its image. A board's maker would compile it with other
settings; `bios-patch` overwrites settings in a copy, each with a value that is not longer.
"""

import hashlib
import os
import struct
import tempfile

from rig.host import kernels


def cache():
    """Our folder in the user's cache."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "rootstock")


def kept(data, name):
    """The path of a file with these bytes in the cache; writes it if it is missing."""
    folder = os.path.join(cache(), "firmware")
    found = os.path.join(folder, hashlib.sha256(data).hexdigest()[:16] + "-" + name)
    if not os.path.exists(found):
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
            out.write(data)
        os.rename(out.name, found)
    return found


def headless(path):
    """The path of an i.MX image's program without the header (i.MX 6Dual/6Quad reference manual,
    8.7.1: the words at 4 and 20 are the addresses of the program and of the header itself)."""
    with open(path, "rb") as source:
        data = source.read()
    entry, own = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 20)[0]
    return kept(data[entry - own:], os.path.basename(path))


def patched(path, patch):
    """The path of a copy of the file in the cache, changed by a patch with lines OLD|NEW."""
    with open(path, "rb") as source:
        data = source.read()
    for line in patch.splitlines():
        old, new = line.strip().encode().split(b"|")
        if old + b"\0" not in data or len(new) > len(old):
            raise RuntimeError(f"{path}: '{old.decode()}' is not there, or shorter than "
                               f"'{new.decode()}'")
        data = data.replace(old, new.ljust(len(old)))
    return kept(data, os.path.basename(path))


def words(machine):
    """QEMU's arguments for the machine's firmware; none if it is QEMU's own."""
    path = machine["bios"]
    if machine["bios-package"]:
        path = kernels.debs(*machine["bios-package"].split())[0] + path
    if machine["bios-patch"]:
        path = patched(path, machine["bios-patch"].strip())
    if machine["bios-address"]:
        place = f"file={headless(path)},addr={machine['bios-address']}"
        return ["-device", f"loader,{place},force-raw=on,cpu-num=0"]
    return [machine["bios-option"], path] if path else []
