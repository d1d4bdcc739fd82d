#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The userland of the complete distributions is made once and kept, unless making it fails; here a
script plays mmdebstrap. And the tree that is made of a small userland is correct."""

import os
import subprocess
import sys
import tempfile
import threading
import time

from rig.disk import debian, disk
from rig.host import kernels
from testlib.slowness import limit
from testlib import tap

# The last words of the real command are the release, the archive and the list of mirrors.
FAKE = """#!/bin/sh
while [ $# -gt 3 ]; do shift; done
echo "$1 $(cat "$3")" >>"%s/asked"
echo half >"$2"
%s
"""
MACHINE = {"kernel": "bookworm amd64 some-kernel"}


def play(work, script):
    """Installs a fake mmdebstrap that ends with these commands."""
    path = os.path.join(work, "bin/mmdebstrap")
    with open(path, "w", encoding="ascii") as out:
        out.write(FAKE % (work, script))
    os.chmod(path, 0o755)


def left(work):
    """What is in the cache other than the package and apt's folder."""
    return sorted(set(os.listdir(os.path.join(work, "cache"))) - {"kernel", "apt"})


def userlands(work):
    """An archive is kept after a success, but not after a failure or an interruption."""
    play(work, "echo no such mirror >&2; exit 1")
    error = tap.raises(RuntimeError, debian.userland, MACHINE)
    tap.check(error and "no such mirror" in error and not left(work),
              "a failure reports mmdebstrap's message, and nothing is kept", (error, left(work)))
    play(work, "exec sleep %d" % limit(60))
    start = time.monotonic()
    threading.Timer(1, disk.stop.set).start()
    error = tap.raises(RuntimeError, debian.userland, MACHINE)
    disk.stop.clear()
    tap.check(error and time.monotonic() - start < limit(30) and not left(work),
              "if the run is stopped, mmdebstrap ends and nothing is kept", (error, left(work)))
    play(work, "exit 0")
    path = debian.userland(MACHINE)
    with open(os.path.join(work, "asked"), encoding="ascii") as source:
        asked = source.read().splitlines()
    tap.check(left(work) == [os.path.basename(path)] and asked == ["bookworm a mirror"] * 3,
              "a success is kept; the release and the mirror are the kernel's", asked)
    play(work, "exit 1")
    tap.check(tap.raises(RuntimeError, debian.userland, MACHINE) is None,
              "an archive that exists is used again")


def tree(work):
    """A tree is made correctly of a userland with files that must not be in a tree."""
    source, files = os.path.join(work, "source"), {}
    for name in ("dev/null", "var/lib/x", "home/user/y", "etc/shadow", "etc/machine-id",
                 "etc/systemd/system/timers.target.wants/apt-daily.timer", "usr/lib/os-release",
                 "usr/lib/tmpfiles.d/home.conf"):
        path = os.path.join(source, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as out:
            out.write("root:*:1::\nVERSION=old\n")
    subprocess.run(["tar", "-C", source, "-cf", debian.userland(MACHINE), "."], check=True)
    kernels.modules = lambda machine, folder: os.path.join(work, "cache/kernel")
    files[debian.UNIT] = debian.SERVICE
    made = os.path.join(work, "tree")
    debian.make_tree(made, files, "2", machine=MACHINE)
    found = {}
    for name in ("usr/etc/shadow", "usr/etc/machine-id", "usr/lib/os-release"):
        with open(os.path.join(made, name), encoding="ascii") as out:
            found[name] = out.read()
    tap.check(found["usr/etc/shadow"].startswith("root::1") and not found["usr/etc/machine-id"] and
              "VERSION=2" in found["usr/lib/os-release"],
              "the tree's /usr/etc and version are right", found)
    tap.check(not any(os.listdir(os.path.join(made, name)) for name in (
        "var", "dev", "usr/etc/systemd/system/timers.target.wants")) and
        os.listdir(os.path.join(made, "usr/lib/tmpfiles.d")) == ["0-ostree.conf"],
        "the tree lacks what must not be deployed")
    tap.check(os.readlink(os.path.join(made, "home")) == "var/home" and
              os.readlink(os.path.join(made, "ostree")) == "sysroot/ostree" and
              os.path.isdir(os.path.join(made, "sysroot")) and
              os.path.isdir(os.path.join(made, "usr/lib/modules/kernel")) and
              os.path.exists(os.path.join(made, os.path.dirname(
                  debian.UNIT), "multi-user.target.wants/rootstock-judge.service")),
              "the tree has the links, the modules and the judge")


with tempfile.TemporaryDirectory() as scratch:
    for directory in ("bin", "cache/kernel", "cache/apt"):
        os.makedirs(os.path.join(scratch, directory))
    with open(os.path.join(scratch, "cache/apt/sources.list"), "w", encoding="ascii") as mirrors:
        mirrors.write("a mirror\n")
    os.environ["PATH"] = os.path.join(scratch, "bin:") + os.environ["PATH"]
    kernels.unpacked = lambda machine: [os.path.join(scratch, "cache/kernel")]
    userlands(scratch)
    tree(scratch)
sys.exit(tap.end())
