#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our order of random entries of libostree's is libostree's own, whose first entry is the default.
Entries without a version are left out, because libostree's order of them depends on the directory,
and so are entries without tries left, which come last only in our order.
"""
import json
import os
import re
import shutil
import subprocess
import sys

from testlib import tap

SETS = 100
DEPLOYMENTS = 8
PIECES = ["1", "2", "9", "10", "0", "00", "01", "001", "09", "010", ".", "-", "a", "b", "~", "x86"]


def run(*command):
    done = subprocess.run(command, capture_output=True, check=True,
                          env=os.environ | {"OSTREE_SYSROOT_DEBUG": "mutable-deployments"})
    return done.stdout.decode()


class Sysroot:
    """One real deployment, and copies of it with other serial numbers."""

    def __init__(self, where):
        self.root = root = where + "/sysroot"
        repo, tree = root + "/ostree/repo", where + "/tree"
        tap.write(f"{tree}/usr/lib/modules/6.1/vmlinuz", b"kernel")
        tap.write(f"{tree}/usr/lib/os-release", b"ID=demo\nPRETTY_NAME=Demo\n")
        tap.write(f"{tree}/usr/etc/os-release", b"ID=demo\n")
        os.mkdir(root)
        run("ostree", "admin", "init-fs", root)
        run("ostree", "admin", "os-init", "--sysroot=" + root, "demo")
        run("ostree", "--repo=" + repo, "commit", "-b", "demo", "--tree=dir=" + tree)
        run("ostree", "admin", "deploy", "--sysroot=" + root, "--os=demo", "demo")
        self.entries = os.path.realpath(root + "/boot/loader/entries")
        with open(self.entries + "/" + os.listdir(self.entries)[0], encoding="utf-8") as file:
            self.bootlink = re.search(r"ostree=(\S+)/0", file.read())[1]
        deployment = os.path.realpath(f"{root}{self.bootlink}/0").removesuffix(".0")
        for serial in range(1, DEPLOYMENTS):
            shutil.copytree(deployment + ".0", f"{deployment}.{serial}", symlinks=True)
            shutil.copy(deployment + ".0.origin", f"{deployment}.{serial}.origin")
            link = os.readlink(f"{root}{self.bootlink}/0").removesuffix("0")
            os.symlink(link + str(serial), f"{root}{self.bootlink}/{serial}")

    def judge(self, rnd):
        shutil.rmtree(self.entries)
        names, versions = {}, {}
        for serial in range(rnd.randint(2, DEPLOYMENTS)):
            version = "".join(rnd.choices(PIECES, k=rnd.choice([1, 1, 2, 3])))
            name = rnd.choice([f"ostree-{version}", f"ostree-{version}-demo",
                               f"ostree-demo-{serial}"]) + rnd.choice(["", "", "+3", "+1-2"])
            if version in versions.values() or name + ".conf" in names:
                continue
            names[name + ".conf"], versions[serial] = serial, version
            tap.write(f"{self.entries}/{name}.conf",
                      f"version {version}\noptions ostree={self.bootlink}/{serial}\nlinux /k\n"
                      .encode())
        menu = json.loads(run(tap.BUILD + "/rootstock-bls", "list", "--json", "--root", self.root))
        ours = [names[entry["file"]] for entry in menu["entries"]]
        theirs = [int(serial) for serial in
                  re.findall(r"^[* ] demo [0-9a-f]{64}\.(\d+)", run("ostree", "admin", "status",
                             "--sysroot=" + self.root), re.MULTILINE)]
        assert len(theirs) == len(names), (theirs, names)
        assert ours == theirs, ([versions[n] for n in ours], [versions[n] for n in theirs])


def test_random_entries(where):
    if not shutil.which("ostree"):
        raise tap.Skip("ostree is not installed")
    tap.repeat(SETS, Sysroot(where).judge)


sys.exit(tap.main([("random entries of libostree's", test_random_entries)]))
