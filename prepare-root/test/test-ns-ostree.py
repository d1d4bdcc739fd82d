#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""After our program the tree's libostree runs: its system generator, the mounts that systemd would
make from the units, and ostree-remount must leave the documented mounts. With three releases of
libostree, because a device runs the one of its tree. Also compares the files below /run with those
of libostree's own ostree-prepare-root."""

import os
import re
import sys

from testlib import nsboot
from testlib import nsostree
from testlib import nstap
from testlib import nstree
from testlib.nssys import MS_BIND, MS_RDONLY, MS_REMOUNT, mount, read_file, write_file

JUDGE = "/usr/judge"  # in the tree, and in the initramfs
UNITS = "/run/units"


def marker(phys):
    """For World: the caller's /run has the marker for our mount of /var."""
    run = f"{phys}/../run/ostree" if phys.endswith("/sysroot") else phys + "/run/ostree"
    os.makedirs(run)
    write_file(run + "/initramfs-mount-var", "")


# name: (changes, keywords for World). Each runs with systemd as the tree's init.
CONFIGURATIONS = {
    "plain": ((), {}),
    "readonly": ((nstree.readonly,), {}),
    "kernel-ro": ((), {"root_flags": MS_RDONLY}),
    "kernel-ro-readonly": ((nstree.readonly,), {"root_flags": MS_RDONLY}),
    "mount-ro": ((), {"root_flags": MS_BIND | MS_RDONLY}),
    "marker": ((), {"extra": marker}),
    "marker-readonly": ((nstree.readonly,), {"extra": marker}),
    "hotfix": ((nstree.hotfix,), {}),
}


def judge(release):
    """A change: the tree has the release's programs."""
    def change(top):
        folder = f"{top}/{nstree.DEPLOYMENT}{JUDGE}"
        os.makedirs(folder)
        for name, data in nsostree.files(release):
            write_file(f"{folder}/{name}", data, 0o755)
    return change


def mount_units(rows):
    """For inside(): makes the mounts that systemd would make from the generator's units. A unit
    whose directory is a mount point already is active, so it is skipped."""
    done = []
    for name in sorted(os.listdir(UNITS)):
        if not name.endswith(".mount"):
            continue
        unit = dict(re.findall(r"^(\w+)=(.*)$", read_file(f"{UNITS}/{name}").decode(), re.M))
        if unit["Where"] not in rows and "bind" in unit["Options"].split(","):
            mount(unit["What"], unit["Where"], None, MS_BIND)
            done.append(unit["Where"])
    return done


def after(kind, release, name):
    """The problems of one configuration with one release's programs."""
    changes, options = CONFIGURATIONS[name]
    with nsboot.booted(kind, PARTS, nstree.systemd, judge(release), *changes,
                       **options) as (world, _):
        world.inside(os.mkdir, UNITS)
        status, _, said = world.run(nsostree.command(
            JUDGE, "ostree-system-generator", UNITS, UNITS, UNITS))
        problems = nsboot.differs("generator", (status, said), (0, ""))
        done = world.inside(mount_units, sorted(nsboot.table(world)))
        problems += nsboot.differs("who mounts /var", "/var" in done, "marker" not in name)
        if "kernel-ro" in name:
            world.inside(mount, None, "/", None, MS_REMOUNT)
        status, _, said = world.run(nsostree.command(JUDGE, "ostree-remount"))
        problems += nsboot.differs("remount", status, 0)
        rows = nsboot.table(world)
        problems += nsboot.differs("/var", rows["/var"]["root"], "/ostree/deploy/demo/var")
        problems += nsboot.differs("/boot", rows["/boot"]["root"], "/boot")
        places = ["/", "/etc", "/var", "/boot", "/usr", "/sysroot"]
        wanted = set() if name == "mount-ro" else set(places) - {"/usr"}
        if "readonly" in name:
            wanted -= {"/sysroot"}
        if name == "hotfix":
            wanted |= {"/usr"}
        writes = world.inside(lambda: [p for p in places if os.access(p, os.W_OK)])
        return problems + nsboot.differs(f"writable, {said}", sorted(writes), sorted(wanted))


# --- comparison with its own prepare-root ---

# Keys that a release lacks in /run/ostree-booted; None: it writes no keys at all.
LACKS = {"bookworm": None, "trixie": {"root.transient-ro"}, "sid": set()}


def run_files(world):
    """{path below /run: (mode, bytes as numbers)} of the initramfs."""
    def look():
        found = {}
        for path, what in nsboot.listing("/run").items():
            data = list(read_file("/run/" + path)) if what.startswith("-") else []
            found[path] = [what.split()[0], data]
        return found
    return world.inside(look)


def keys(data):
    """{key: value in hexadecimal} of a small serialised a{sv}: each entry ends with the offset of
    its key's end, and the last bytes are the offsets of the entries' ends."""
    data, found, start = bytes(data), {}, 0
    count = data[-1] and next(n for n in range(1, 64) if data[-1] + n == len(data))
    for end in data[len(data) - count:]:
        start = (start + 7) & ~7
        key_end = start + data[end - 1]
        key, rest = data[start:key_end - 1].decode(), data[(key_end + 7) & ~7:end - 1]
        found[key] = rest.hex()
        start = end
    return found


def files_in_run(release, changes):
    """Names, modes and contents are those of the release's ostree-prepare-root."""
    found = {}
    programs = [(f"{JUDGE}/{name}", data, 0o755) for name, data in nsostree.files(release)]
    for who, argv in (("ours", [nsboot.PROGRAM]),
                      ("theirs", nsostree.command(JUDGE, "ostree-prepare-root"))):
        with nsboot.world("utility", PARTS, nstree.systemd, *changes, files=programs) as world:
            status, _, said = world.run([*argv, "/sysroot"])
            if status:
                raise RuntimeError(f"{who}: exit {status}: {said}")
            found[who] = run_files(world)
            inode = world.inside(lambda: os.stat("/sysroot").st_ino)
            booted = found[who].pop("ostree-booted", None)
            if booted and booted[1]:
                found[who, "keys"] = keys(booted[1])
                # The device number differs, because each world has a disk of its own.
                numbers = found[who, "keys"].pop("backing-root-device-inode")
                found[who, "inode"] = numbers[16:32] == inode.to_bytes(8, sys.byteorder).hex()
            found[who, "booted"] = booted and booted[0]
    problems = nsboot.differs("inode", found["ours", "inode"], True)
    if LACKS[release] is None:
        # This release has no /run/ostree, and its ostree-booted is empty, with another mode.
        found["ours"] = {path: what for path, what in found["ours"].items()
                         if path not in ("ostree", "ostree/.private")}
        problems += nsboot.differs("theirs", found["theirs", "booted"], "-rw-r-----")
        problems += nsboot.differs("theirs", ("theirs", "keys") in found, False)
    else:
        ours = {k: v for k, v in found["ours", "keys"].items() if k not in LACKS[release]}
        problems += nsboot.differs("keys", ours, found["theirs", "keys"])
        problems += nsboot.differs("inode", found["theirs", "inode"], True)
        problems += nsboot.differs("mode", found["theirs", "booted"], found["ours", "booted"])
        # Newer libostree has a key instead of the stamp.
        stamp = found["ours"].pop("ostree-sysroot-ro.stamp", None)
        problems += nsboot.differs("stamp", stamp is not None, nstree.readonly in changes)
        problems += nsboot.differs("stamp", "ostree-sysroot-ro.stamp" in found["theirs"], False)
    return problems + nsboot.differs("files", found["ours"], found["theirs"])


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    for each in nsostree.RELEASES:
        nsostree.files(each)
    sys.exit(nstap.main(
        [(f"{kind} {name}, libostree of {release}",
          lambda k=kind, r=release, n=name: after(k, r, n))
         for release in nsostree.RELEASES for kind in nsboot.KINDS for name in CONFIGURATIONS] +
        [(f"files below /run{', readonly' if changes else ''}, libostree of {release}",
          lambda r=release, c=changes: files_in_run(r, c))
         for release in nsostree.RELEASES for changes in ((), (nstree.readonly,))]))
