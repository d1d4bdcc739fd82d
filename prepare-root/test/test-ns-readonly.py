#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Read-only mounts stay read-only, for every combination of the root's file system, its mount and
the caller's mounts in it, each read-only or not. access(2) shows before and after which directories
are writable. Only /usr, and /sysroot if it is configured so, may become read-only."""

import itertools
import os
import subprocess
import sys

from testlib import nsboot
from testlib import nstap
from testlib import nstree
from testlib import tap
from testlib.nssys import MS_BIND, MS_RDONLY, MS_REMOUNT, mount, umount, write_file

DEPLOY = "/" + nstree.DEPLOYMENT
VAR = "/ostree/deploy/demo/var"

# The root: (flags of its remount, or None; whether its mount alone is made writable again).
ROOTS = {"rw": (0, False), "file system and mount ro": (MS_RDONLY, False),
         "mount ro": (MS_BIND | MS_RDONLY, False), "file system ro": (MS_RDONLY, True)}
# The places of the caller's mounts, and how these are made read-only; None: there are no mounts.
PLACES = ("/home", "/boot", VAR)
WAYS = {"nothing": None, "rw": 0, "file system ro": MS_RDONLY, "mount ro": MS_BIND | MS_RDONLY}

# Directories that the deployment has, and where they are on the physical root.
SEEN = {"/": DEPLOY, "/etc": DEPLOY + "/etc", "/var": VAR, "/boot": "/boot", "/usr": DEPLOY + "/usr",
        "/sysroot": "", "/sysroot/home": "/home", "/sysroot/ostree/repo": "/ostree/repo",
        "/sysroot" + VAR: VAR, "/sysroot/boot": "/boot"}


def writable(paths):
    """For inside(): the directories that are writable."""
    return [path for path in paths if os.access(path, os.W_OK)]


def mounted(flags, alone):
    """For World: mounts a file system with these flags on each of PLACES, unless flags is None;
    with alone, makes the root's mount writable, but not its file system."""
    def extra(phys):
        for place in PLACES if flags is not None else ():
            mount("more", phys + place, "tmpfs", 0, "mode=0755")
            if place == "/boot":
                os.makedirs(phys + "/boot/loader.1")
                os.symlink("loader.1", phys + "/boot/loader")
            if flags:
                mount(None, phys + place, None, MS_REMOUNT | flags)
        if alone:
            mount(None, phys, None, MS_REMOUNT | MS_BIND)
    return extra


def hotfix(top):
    """A hotfix with a file in it."""
    nstree.hotfix(top)
    write_file(f"{top}{DEPLOY}/.usr-ovl-upper/fixed", "")


def try_one(kind, changes, root, places, options):
    """The problems of one combination; places are the caller's mounts."""
    with nsboot.world(kind, PARTS, *changes, **options) as world:
        top = nsboot.PHYSICAL[kind].rstrip("/")
        before = world.inside(writable, [top + path or "/" for path in SEEN.values()])
        before = {path for path, place in SEEN.items() if (top + place or "/") in before}
        if kind == "utility":
            status, _, said = world.run([nsboot.PROGRAM, "/sysroot"])
            if status:
                return [f"exit {status}: {said}"]
        report = world.go(["/sbin/init"] if kind == "utility" else [nsboot.program_path(world)])
        if report is None:
            return [f"no init: {world.text()}"]
        after = set(world.inside(writable, list(SEEN)))
        fixed = world.inside(os.path.exists, "/usr/fixed")
    wanted = set(before)
    if hotfix in changes:
        # Only a hotfix makes a file system writable, as the man page says.
        if root in ("file system and mount ro", "file system ro"):
            wanted = after | {"/", "/etc", "/usr", "/sysroot"}
    else:
        wanted -= {"/usr"}
    if nstree.readonly in changes:
        # Only the root's own mount becomes read-only.
        wanted = {path for path in wanted
                  if not path.startswith("/sysroot") or SEEN[path] in places}
    return (nsboot.differs("writable", sorted(after), sorted(wanted)) +
            nsboot.differs("hotfix", fixed, hotfix in changes))


def each_way(kind, root, configuration):
    """The problems of a root in this state, with the caller's mounts in each of WAYS."""
    flags, alone = ROOTS[root]
    problems = []
    for way, more in WAYS.items():
        found = try_one(kind, configuration, root, PLACES if more is not None else (),
                        {"root_flags": flags, "extra": mounted(more, alone)})
        problems += [f"mounts {way}: {problem}" for problem in found]
    return problems


class Btrfs:
    """A physical root on one subvolume, with another one of the same file system mounted."""

    def __init__(self, first_flags, other_flags):
        self.first_flags, self.other_flags, self.device = first_flags, other_flags, None

    def stack(self, things, phys):
        """Make the file system, and mount the root's subvolume to be filled."""
        image = things + "/image"
        with open(image, "wb") as f:
            f.truncate(200 << 20)
        subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
        self.device = subprocess.run(["losetup", "--find", "--show", image], check=True,
                                     capture_output=True, text=True).stdout.strip()
        os.mkdir(things + "/top")
        try:
            mount(self.device, things + "/top", "btrfs")
        except OSError as error:
            subprocess.run(["losetup", "-d", self.device], check=True)
            raise RuntimeError(f"btrfs: {error}") from error
        for name in ("root", "other"):
            subprocess.run(["btrfs", "-q", "subvolume", "create", f"{things}/top/{name}"],
                           check=True, capture_output=True)
        umount(things + "/top")
        mount(self.device, phys, "btrfs", 0, "subvol=root")
        self.things = things

    def build(self, top, *args, **options):
        """Fill the subvolume, and mount both anew, as a boot would."""
        nstree.make(top, *args, **options)
        umount(top)
        mount(self.device, top, "btrfs", self.first_flags, "subvol=root")
        mount(self.device, self.things + "/top", "btrfs", self.other_flags, "subvol=other")
        subprocess.run(["losetup", "-d", self.device], check=True)  # with the last mount


def subvolumes(kind, configuration):
    """The problems with each subvolume mounted ro or rw. If only the root is ro, the kernel has
    made the file system writable, and only the root's mount is read-only."""
    problems = []
    for first, other in itertools.product((0, MS_RDONLY), (0, MS_RDONLY)):
        root = "rw" if not first else "mount ro" if not other else "file system and mount ro"
        disk = Btrfs(first, other)
        try:
            found = try_one(kind, configuration, root, (),
                            {"stack": disk.stack, "build": disk.build})
        except RuntimeError as error:
            if "btrfs: " in str(error):
                raise tap.Skip(str(error).rsplit("btrfs: ", maxsplit=1)[-1].strip()) from error
            raise
        problems += [f"{first} {other}: {problem}" for problem in found]
    return problems


def after_many_mounts():
    """The root is found in a mount table that takes several reads."""
    def extra(phys):
        for number in range(400):
            place = f"{phys}/../tmp/{'long-' * 40}{number}"
            os.mkdir(place)
            mount("more", place, "tmpfs")
        mount(phys, phys, None, MS_BIND)
        mount(None, phys, None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    return try_one("utility", (), "mount ro", (), {"extra": extra})


CONFIGURATIONS = {"plain": (), "readonly": (nstree.readonly,), "hotfix": (hotfix,)}

if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    TABLE = list(itertools.product(nsboot.KINDS, CONFIGURATIONS.items()))
    sys.exit(nstap.main(
        [(f"{kind} {name}, root {root}", lambda k=kind, r=root, c=changes: each_way(k, r, c))
         for kind, (name, changes) in TABLE for root in ROOTS] +
        [("a long mount table", after_many_mounts)],
        # No ordinary user may mount it.
        [(f"{kind} {name}, btrfs", lambda k=kind, c=changes: subvolumes(k, c))
         for kind, (name, changes) in TABLE]))
