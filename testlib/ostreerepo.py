# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads commits out of a repository of the mode "archive", without libostree: the judge of what was
written. Formats: GVariant's specification (docs.gtk.org/glib/gvariant-specification-1.0.html) and
libostree's ostree-core.h."""
import os
import struct
import zlib

FIXED = {"y": (1, 1, "B"), "u": (4, 4, "I"), "t": (8, 8, "Q")}


def split(kind):
    """The first complete type of a string of types, and the rest."""
    if kind[0] == "a":
        first, rest = split(kind[1:])
        return "a" + first, rest
    if kind[0] not in "({":
        return kind[0], kind[1:]
    depth = 0
    for place, letter in enumerate(kind):
        depth += (letter in "({") - (letter in ")}")
        if not depth:
            return kind[:place + 1], kind[place + 1:]
    raise ValueError(kind)


def members(kind):
    found, rest = [], kind[1:-1]
    while rest:
        first, rest = split(rest)
        found.append(first)
    return found


def alignment(kind):
    if kind[0] == "a":
        return alignment(kind[1:])
    if kind[0] in "({":
        return max(alignment(member) for member in members(kind))
    return FIXED[kind][1] if kind in FIXED else 8 if kind == "v" else 1


def offset_size(size):
    return next(width for width in (1, 2, 4, 8) if size < 1 << 8 * width)


def decode(kind, data):
    """The value of a GVariant in little-endian order: int, bytes, str, list or tuple."""
    if kind in FIXED:
        return struct.unpack("<" + FIXED[kind][2], data)[0]
    if kind == "s":
        return data[:-1].decode()
    if kind in ("ay", "v"):
        return bytes(data)
    width = offset_size(len(data))
    if kind[0] == "a":
        if not data:
            return []
        first = int.from_bytes(data[-width:], "little")
        ends = [int.from_bytes(data[place:place + width], "little")
                for place in range(first, len(data), width)]
        return elements([kind[1:]] * len(ends), data, ends)
    kinds, ends, last = members(kind), [], len(data)
    for member in kinds[:-1]:
        if member in FIXED:
            ends.append(None)
        else:
            ends.append(int.from_bytes(data[last - width:last], "little"))
            last -= width
    ends.append(None if kinds[-1] in FIXED else last)
    return tuple(elements(kinds, data, ends))


def elements(kinds, data, ends):
    found, place = [], 0
    for kind, end in zip(kinds, ends):
        place += -place % alignment(kind)
        end = place + FIXED[kind][0] if end is None else end
        found.append(decode(kind, data[place:end]))
        place = end
    return found


def swap(number):
    return int.from_bytes(number.to_bytes(4, "little"), "big")


class Repo:
    def __init__(self, path):
        self.path = path

    def object(self, checksum, kind):
        with open(f"{self.path}/objects/{checksum[:2]}/{checksum[2:]}.{kind}", "rb") as file:
            return file.read()

    def ref(self, branch):
        with open(f"{self.path}/refs/heads/{branch}", encoding="ascii") as file:
            return file.read().strip()

    def has(self, branch):
        return os.path.exists(f"{self.path}/refs/heads/{branch}")

    def commit(self, branch):
        """(a{sv} as bytes, parent, related, subject, body, time, tree, metadata of the root)"""
        return decode("(vaya(say)sstayay)", self.object(self.ref(branch), "commit"))

    def file(self, checksum):
        """{mode, uid, gid, xattrs, target, content} of a file or symlink."""
        data = self.object(checksum, "filez")
        size = int.from_bytes(data[:4], "big")
        _, uid, gid, mode, _, target, xattrs = decode("(tuuuusa(ayay))", data[8:8 + size])
        content = zlib.decompress(data[8 + size:], -15) if not target else b""
        return entry(mode, uid, gid, xattrs, target, content)

    def tree(self, branch):
        """{path: entry} of a whole commit; "" is the root."""
        commit, found = self.commit(branch), {}
        self.walk("", commit[6].hex(), commit[7].hex(), found)
        return found

    def walk(self, path, tree, metadata, found):
        uid, gid, mode, xattrs = decode("(uuua(ayay))", self.object(metadata, "dirmeta"))
        found[path] = entry(mode, uid, gid, xattrs, "", b"")
        files, folders = decode("(a(say)a(sayay))", self.object(tree, "dirtree"))
        for name, checksum in files:
            found[f"{path}/{name}".lstrip("/")] = self.file(checksum.hex())
        for name, below, of_it in folders:
            self.walk(f"{path}/{name}".lstrip("/"), below.hex(), of_it.hex(), found)


def entry(mode, uid, gid, xattrs, target, content):
    return {"mode": swap(mode), "uid": swap(uid), "gid": swap(gid), "target": target,
            "xattrs": {name[:-1].decode(): value for name, value in xattrs}, "content": content}
