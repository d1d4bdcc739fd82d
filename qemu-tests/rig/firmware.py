# SPDX-License-Identifier: LGPL-2.1-or-later
"""The firmware of machines: files of Debian's packages, of this release or another one, unpacked.

U-Boot keeps its default environment as text in its image. Where that does not suit a board its
maker compiles another one; `bios-patch` puts another value over one of no shorter length in a copy.
"""

import hashlib
import os
import tempfile

from rig import kernels


def cache():
    """The folder of our own in the user's cache."""
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "rootstock")


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
    folder = os.path.join(cache(), "firmware")
    found = os.path.join(folder, hashlib.sha256(data).hexdigest()[:16] + "-" +
                         os.path.basename(path))
    if not os.path.exists(found):
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as out:
            out.write(data)
        os.rename(out.name, found)
    return found


def words(machine):
    """QEMU's words for the machine's firmware; none where QEMU's own will do."""
    path = machine["bios"]
    if machine["bios-package"]:
        path = kernels.debs(*machine["bios-package"].split())[0] + path
    if machine["bios-patch"]:
        path = patched(path, machine["bios-patch"].strip())
    return ["-bios", path] if path else []
