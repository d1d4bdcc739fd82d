#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prefix of paths if /boot is in a subvolume or a directory of its file system.

A forged mount table calls a tmpfs btrfs or ext4, so no device is needed. grub/test/test-stub.py
tests with real file systems that GRUB finds its files by such paths.
"""
import functools
import json
import os
import re
import subprocess
import sys

from testlib import tap
from testlib.bootable import BLS, BARE, tree, text
from testlib.generator import GRUB, UBOOT, clean_environment

# Mounts a copy of $2 on $1; in the mount table of the program after exec this mount has another
# root and type.
SCRIPT = """set -e
mount -t tmpfs x "$1"; cp -a "$2/." "$1"
sed "s|^\\([0-9]* [0-9]* [0-9:]*\\) / $1\\($3\\) \\(.*\\) - tmpfs x rw.*|\\1 $4 $1\\2 \\3 - $5|" \
	/proc/self/mountinfo >"$1.table"
! cmp -s /proc/self/mountinfo "$1.table"
mount --bind "$1.table" "/proc/$$/mountinfo"
shift 5
exec "$@"
"""
OWN = SCRIPT.replace("\nsed", '; mv "$1/boot" "$1/b"; mkdir "$1/boot"\n'
                     'mount -t tmpfs x "$1/boot"; cp -a "$1/b/." "$1/boot"\nsed')
NAMESPACE = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
BTRFS = "btrfs /dev/null rw,ssd,subvolid=256,subvol=%s"


def run(where, script, table, *command, status=(0,)):
    done = subprocess.run([*NAMESPACE, "sh", "-c", script, "sh", where + "/mnt", where + "/root", *table,
                           *command], capture_output=True, check=False, env=clean_environment())
    assert done.returncode in status, done
    return done.stdout, done.stderr.decode()


def case(where, script, table, path, prefix):
    if subprocess.run(NAMESPACE + ["true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no mount namespace can be made here")
    # With a device tree, because the generator for U-Boot looks at that as well.
    root = tree(where, {"ostree-1.conf": text(BARE)})
    assert root == where + "/root"
    os.mkdir(where + "/mnt")
    there = ["--root", where + "/mnt"]
    document = json.loads(run(where, script, table, BLS.program, "check", "--json", *there,
                              status=(0, 1))[0])
    assert document["prefix"] == prefix, document
    assert document["boot"].get("path") == path, document
    ways = [one for one in document["findings"] if "--boot-prefix" in one.get("remedy", "")]
    assert not ways, ways
    entries = ["-o", "-", "--entries", where + "/mnt/boot/loader/entries"]
    for generator in (GRUB, UBOOT):
        menu, said = run(where, script, table, generator.program, *entries, *there)
        assert generator.kernels(menu) == [prefix + "/k/vmlinuz"], (menu, said)
    # With a wrong prefix check reports the right one.
    if path and path != prefix[:-len("/boot")]:
        out = run(where, script, table, BLS.program, "check", "--boot-prefix", "/b", *there,
                  status=(1,))[0].decode()
        assert re.search(f"error: .*begin with {path}\n    to do: give the generator --boot-prefix {path}$",
                         out, re.MULTILINE), out


def searched(where):
    """The UUID is looked up on the device, whichever subvolume is mounted."""
    tree(where)
    os.mkdir(where + "/mnt")
    table = ["", "/@", BTRFS % "/@"]
    command = [GRUB.program, "-o", where + "/mnt/boot/loader/grub.cfg", "--search", "always"]
    said = run(where, SCRIPT, table, *command, status=(1,))[1]
    assert "its UUID cannot be found (it has none)" in said, said


def control_characters(where):
    tree(where)
    os.mkdir(where + "/mnt")
    table = ["", r"/a\\\\012b", BTRFS % r"/a\\\\012b"]
    said = run(where, SCRIPT, table, GRUB.program, "-o", where + "/mnt/boot/loader/grub.cfg",
               status=(1,))[1]
    assert re.search(r"mnt/boot is in a subvolume with a control character in its name, .*: rename "
                     "the subvolume$", said), said


# The mount at ROOT or, with OWN, at ROOT/boot in mountinfo: the end of its path, its root, and its
# type with all that follows. Then the path of /boot for a loader (None: unknown), and the prefix.
CASES = {
    "a subvolume": (SCRIPT, ["", "/@root", BTRFS % "/@root"], "/@root/boot", "/@root/boot"),
    "a snapshot, with a comma": (SCRIPT, ["", "/@/.snapshots/1/a,b", BTRFS % "/@/.snapshots/1/a,b"],
                                 "/@/.snapshots/1/a,b/boot", "/@/.snapshots/1/a,b/boot"),
    "the top-level subvolume": (SCRIPT, ["", "/", BTRFS % "/"], "/boot", "/boot"),
    "a subvolume for /boot": (OWN, ["/boot", "/@boot", BTRFS % "/@boot"], "/@boot", "/@boot/boot"),
    "a directory of a subvolume, as /boot": (OWN, ["/boot", "/@/boot", BTRFS % "/@"], "/@/boot",
                                             "/@/boot"),
    "a directory of an ext4, as /boot": (OWN, ["/boot", "/systems/a/boot", "ext4 /dev/null rw"],
                                         "/systems/a/boot", "/systems/a/boot"),
    "a directory of a subvolume, not as /boot": (SCRIPT, ["", "/@/home/me", BTRFS % "/@"], None,
                                                 "/boot"),
    "a directory of an ext4, not as /boot": (SCRIPT, ["", "/home/me", "ext4 /dev/null rw"], None,
                                             "/boot"),
}
sys.exit(tap.main([(name, functools.partial(
    case, script=script, table=table, path=path, prefix=prefix))
                   for name, (script, table, path, prefix) in CASES.items()] +
                  [("the UUID to search for", searched),
                   ("control characters", control_characters)]))
