#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""build-aux/deps installs or names missing packages, for each release and each user. In a mount
namespace it sees a fake /etc/os-release and fake lists of apt; dpkg-query, apt-get, apt-cache, id
and sudo are fake programs."""

import os
import shutil
import subprocess
import sys
import tempfile

from testlib import tap
from testlib.tap import check

DEPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../deps")
MAKEFILE = os.path.join(os.path.dirname(DEPS), "../Makefile")
WANTED = "gcc musl-tools qemu-user-static|qemu-user a|b|c gone|lost".split()
MOUNTS = """
mount --bind "$1/os-release" /etc/os-release
mount --bind "$1/lists" /var/lib/apt/lists
PATH=$1/bin
shift
exec "$@"
"""
INSTALL = "-q -y install --no-install-recommends "
PASTE = "apt-get install --no-install-recommends "
BOOKWORM, TRIXIE = 'ID=debian\nVERSION_ID="12"\n', 'ID=debian\nVERSION_ID="13"\n'


def run(release, user=0, known="musl-tools qemu-user c", installed="gcc a", fails="-", without=(),
        wanted=tuple(WANTED)):
    """Runs build-aux/deps; returns (exit status, output, arguments of each apt-get). `fails` is a
    command of apt-get that fails, `without` are missing programs, and `known` is None if there are
    no lists of packages."""
    fakes = {
        # If it does not know some of the packages, the real one prints the others, and fails.
        "dpkg-query": 'for p; do case " %s " in *" $p "*) echo "installed $p" ;; esac; done\n'
                      "exit 1" % installed,
        "apt-get": 'echo "$*" >>"${0%/*}/../told"\n'
                   'for word; do test "$word" != ' + fails + " || exit 100; done",
        "apt-cache": f"for p in {known or installed}; do echo $p; done",
        "id": f"echo {user}", "sudo": "exit 1"}
    with tempfile.TemporaryDirectory() as work:
        tap.write_text(work, "os-release", release)
        tap.write_text(work, "lists/lock" if known is None else "lists/mirror_Packages.lz4", "")
        told = tap.write_text(work, "told", "")
        for name in set(fakes) - set(without):
            os.chmod(tap.write_text(work, "bin/" + name, f"#!/bin/sh\n{fakes[name]}\n"), 0o755)
        for name in "sh flock grep sed tr".split():
            os.symlink(shutil.which(name), os.path.join(work, "bin", name))
        done = subprocess.run(
            ["unshare"] + (["--map-root-user"] if os.geteuid() else []) +
            ["--mount", "sh", "-euc", MOUNTS, "sh", work, DEPS] + list(wanted),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        with open(told, encoding="ascii") as source:
            return done.returncode, done.stdout, source.read().splitlines()


def installs():
    """For root on Debian 12 and 13, missing packages are installed."""
    for name, release in (("12", BOOKWORM), ("13", TRIXIE)):
        seen = run(release)
        check(seen[0] == 0 and seen[2] == ["-q update", INSTALL + "musl-tools qemu-user"],
              f"root on Debian {name}: apt-get installs missing packages, by the release's names",
              seen)
        check("none of gone|lost" in seen[1],
              f"root on Debian {name}: packages that the release lacks are named", seen)
    for fails in ("update", "install"):
        seen = run(TRIXIE, fails=fails)
        check(seen[0] == 100 and seen[2][-1].split()[-1 if fails == "update" else 2] == fails,
              f"root on Debian 13: if apt-get {fails} fails, deps fails", seen)


def pastes():
    """For other users and releases, the command is printed and nothing is installed."""
    names = "musl-tools qemu-user"
    for name, release in (("Ubuntu", 'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n'),
                          ("Debian 11", 'ID=debian\nVERSION_ID="11"\n'),
                          ("Debian without a number", "ID=debian\n"),
                          ("Raspbian 13", 'ID=raspbian\nID_LIKE=debian\nVERSION_ID="13"\n'),
                          ("Debian 13, as a user", TRIXIE)):
        users = (1000,) if release == TRIXIE else (0, 1000)
        for user in users:
            seen = run(release, user)
            check(seen[0] == 1 and not seen[2] and f"    sudo {PASTE}{names}\n" in seen[1],
                  f"{name}, user {user}: the command is printed, nothing is installed", seen)
    seen = run("ID=ubuntu\n", without=("sudo",))
    check(seen[0] == 1 and f"    {PASTE}{names}\n" in seen[1],
          "root without sudo: the command has no sudo", seen)
    seen = run("ID=ubuntu\n", 1000, known=None)
    check(seen[0] == 1 and "    sudo apt-get update && sudo %smusl-tools qemu-user-static gone\n" %
          PASTE in seen[1], "no lists of packages: the command updates them first", seen)


def nothing():
    """If nothing is missing, nothing is done."""
    for name, installed in (("all packages are installed",
                             "gcc musl-tools qemu-user-static a gone"),
                            ("all are installed, by the release's names",
                             "gcc musl-tools qemu-user c"),
                            ("all that the release has are installed",
                             "gcc musl-tools qemu-user a")):
        seen = run("ID=ubuntu\n", 1000, installed=installed)
        check(seen[0] == 0 and not seen[2] and "apt-get" not in seen[1], name + ": success", seen)
    seen = run(TRIXIE, installed="gcc c", known="gcc c", wanted=("gcc", "a|b|c"))
    check(seen[0] == 0 and not seen[2], "root with all packages: apt-get is not called", seen)
    seen = run(TRIXIE, installed="gcc c", known="gcc a c", wanted=("gcc", "a|b|c"))
    check(seen[0] == 0 and seen[2][1:] == [INSTALL + "a"],
          "of A|B, A is installed although B is there", seen)
    seen = run("ID=fedora\n", without=("dpkg-query",))
    check(seen[0] == 0 and "musl-tools" in seen[1], "not Debian: the packages are named", seen)
    seen = run("ID=ubuntu\n", known="gcc-x", installed="gcc-x", wanted=("gcc",))
    check(seen[0] == 0 and "none of gcc:" in seen[1],
          "a package whose name only begins with the wanted one does not count", seen)


def targets():
    """`make check` asks once for all packages that it needs, so that one command is enough."""
    said = {name: subprocess.run(
        ["make", "-C", os.path.dirname(MAKEFILE), "--no-print-directory", "-n", "deps-" + name],
        env={key: value for key, value in os.environ.items() if not key.startswith("M")},
        stdout=subprocess.PIPE, text=True, check=True).stdout for name in ("try", "check", "lint")}
    for name, less in (("check", "try"), ("lint", "check")):
        check(said[name].count("build-aux/deps") == 1 and
              set(said[less].split()) < set(said[name].split()),
              f"deps-{name} asks once for all that deps-{less} does, and more", said)


installs()
pastes()
nothing()
targets()
sys.exit(tap.end())
