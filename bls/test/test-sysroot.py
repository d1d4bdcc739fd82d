#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Symlinks in a sysroot: those that stay inside are followed as in the booted system, and those
that lead out are refused, so that nothing outside is read or written."""
import functools
import os
import re
import subprocess
import sys

from testlib import tap
from testlib.generator import GRUB, UBOOT, Generator, clean_environment
from testlib.hostile import GOOD
from testlib.tap import read, write

BLS = Generator("rootstock-bls", "", b"")
SECRET = b"title secret\nlinux /secret\noptions secret\n"
HOOK = {"_OSTREE_GRUB2_BOOTVERSION": "1"}
TREE = b"tree_line=secret\n"


def link(target, path):
    """Makes a symlink; an existing file is moved to PATH.away."""
    if os.path.lexists(path):
        os.rename(path, path + ".away")
    os.symlink(target, path)


class Ground:
    """A sysroot, WHERE/h, and the files outside that must not be touched, WHERE/host."""

    def __init__(self, program, where):
        self.program, self.where, self.root = program, where, where + "/h"
        self.out = program.make(self.root, {"ostree-1.conf": GOOD})
        write(self.out, b"old")
        self.host = where + "/host"
        for version in ("boot/loader.1", "boot/loader", "loader.1", "cron.d", "."):
            write(f"{self.host}/{version}/entries/ostree-1.conf", SECRET)
            write(f"{self.host}/{version}/{program.out}", b"host")
        write(self.host + "/uEnv.txt", TREE)
        self.before = self.snapshot()

    def snapshot(self):
        return {path: (os.lstat(path).st_mtime_ns, os.path.isfile(path) and read(path))
                for top, _, files in os.walk(self.host)
                for path in [top, *(f"{top}/{name}" for name in files)]}

    def run(self, *arguments, **environment):
        status, output, said = self.program.generate(*arguments, **environment)
        assert self.snapshot() == self.before, "the host has changed"
        for path, _, files in os.walk(self.root):
            for name in files:
                if not os.path.islink(f"{path}/{name}"):
                    assert b"secret" not in read(f"{path}/{name}"), name
        assert b"secret" not in output, output
        return status, output, said

    def refused(self, *arguments, says="it leads out of the sysroot", **environment):
        status, _, said = self.run(*arguments, **environment)
        assert status == 1 and re.search(says, said[-1]), (status, said)
        for path, _, files in os.walk(self.root):
            for name in files:
                if name.lower() in ("grub.cfg", "uenv.txt") and "boot" in path:
                    assert os.path.islink(f"{path}/{name}") or read(f"{path}/{name}") == b"old"

    def good(self, *arguments, kernel="/boot/k", **environment):
        status, output, said = self.run(*arguments, **environment)
        assert status == 0 and not said, said
        assert self.program.kernels(output or read(self.out)) == [kernel], output


def links_out(program, target, where):
    """Each directory in the path of the output as a link out of the sysroot is refused."""
    ground = Ground(program, where)
    root, boot, name = ground.root, ground.root + "/boot", program.out
    goal = {"absolute": ground.host + "/%s", "relative": "../" * 30 + ground.host[1:] + "/%s",
            "short": "../" * 4 + "host/%s"}[target]
    out, plain = f"{boot}/loader/{name}", ("--boot-prefix", "/boot")

    def restore(path):
        os.unlink(path)
        os.rename(path + ".away", path)
    link(goal % "cron.d", boot + "/loader")
    ground.refused("-o", out)
    ground.refused("-o", out, "--root", root, *plain)
    ground.refused("-o", f"boot/loader/{name}", cwd=root)
    ground.refused("-o", f"h/boot/loader/{name}", "--root", root, cwd=where)
    ground.refused("-o", "-", "--root", root, "--entries", boot + "/loader/entries", *plain)
    restore(boot + "/loader")
    link(goal % "loader.1", boot + "/loader.1")
    for environment in ({}, HOOK):
        ground.refused("-o", f"{boot}/loader.1/{name}", *plain, **environment)
    ground.refused("-o", "-", "--root", root, **HOOK)
    restore(boot + "/loader.1")
    link(goal % "loader.1/entries", boot + "/loader.1/entries")
    for environment in ({}, HOOK):
        ground.refused("-o", out, **environment)
    ground.refused("-o", name, cwd=boot + "/loader.1", *plain)
    restore(boot + "/loader.1/entries")
    link(goal % "boot", boot)
    for environment in ({}, HOOK):
        ground.refused("-o", out, **environment)
        ground.refused("-o", "-", "--root", root, "--entries", f"{boot}.away/loader/entries",
                       *plain, **environment)
    restore(boot)
    # The output itself must not be a link either.
    os.unlink(ground.out)
    os.symlink(goal % name, ground.out)
    ground.refused("-o", out, says="it exists and is not a regular file")


def links_inside(program, where):
    ground = Ground(program, where)
    root, boot, name = ground.root, ground.root + "/boot", program.out
    out = f"{boot}/loader/{name}"
    for target in ("loader.1", "../boot/loader.1", "/boot/loader.1", "../../../boot/loader.1"):
        os.unlink(boot + "/loader")
        os.symlink(target, boot + "/loader")
        ground.good("-o", out)
        ground.good("-o", out, **HOOK)
    # A path through libostree's link boot -> .; then /boot as a link to another directory.
    os.symlink(".", boot + "/boot")
    ground.good("-o", f"{boot}/boot/loader/{name}", "--root", root)
    for target in ("usr/boot", "/usr/boot"):
        os.renames(boot, root + "/usr/boot")
        os.symlink(target, boot)
        ground.out = f"{root}/usr/boot/loader.1/{name}"
        os.unlink(ground.out)
        ground.good("-o", out)
        ground.good("-o", out, **HOOK)
        os.unlink(boot)
        os.rename(root + "/usr/boot", boot)


def ways_to_the_root(program, where):
    """Links and dots in the path of ROOT are followed, and different names of ROOT are equal."""
    ground = Ground(program, where)
    os.mkdir(where + "/other")
    os.symlink("../h", where + "/other/link")
    tail = "/boot/loader/" + program.out
    for name in ("other/link", where + "/other/link", "h/../h", "./h", "other/../h//", "h/."):
        for root in ([], ["--root", ground.root], ["--root", name], ["--root", "h"]):
            os.unlink(ground.out)
            ground.good("-o", name + tail, *root, cwd=where)
    # As on the device itself, where ROOT is /.
    if ground.root.startswith("/"):
        ground.good("-o", ground.root + tail, "--root", "/", "--boot-prefix", "/boot")
    # An output outside ROOT is allowed if the caller names it so.
    ground.good("-o", f"h/../other/{program.out}", "--root", "h", "--entries",
                "h/boot/loader/entries", cwd=where)
    assert program.kernels(read(f"{where}/other/{program.out}")) == ["/boot/k"]
    os.symlink("other", where + "/esp")
    ground.good("-o", f"{where}/esp/{program.out}", "--root", ground.root, "--entries",
                ground.root + "/boot/loader/entries")


MOUNT = """
set -e
mkdir "$1/disk" "$1/esp"
mount -t tmpfs none "$1/disk" && mount -t tmpfs none "$1/esp"
cp -a "$1/h/boot/." "$1/disk/"
mount --bind "$1/disk" "$1/h/boot"
mkdir "$1/h/boot/efi" && mount --bind "$1/esp" "$1/h/boot/efi"
"$2" -o "$1/h/boot/loader/$3"
"$2" -o "$1/h/boot/efi/$3" --root "$1/h" --entries "$1/h/boot/loader/entries" $4
"$2" -o "$1/esp/$3" --root "$1/h" --entries "$1/h/boot/loader/entries" $4
cat "$1/disk/loader/$3" "$1/esp/$3"
"""


def mounted_boot(program, where):
    ground = Ground(program, where)
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, "sh", where, program.program, program.out,
         "--search=never" if program is GRUB else ""],
        capture_output=True, check=False, env=clean_environment())
    assert done.returncode == 0, done
    assert program.kernels(done.stdout) == ["/boot/k", "/boot/k"], done
    assert read(ground.out) == b"old"


def lines_of_the_system(where):
    """A file for --append in the sysroot must not be a link out of it; elsewhere links are
    followed."""
    ground = Ground(UBOOT, where)
    inside, outside = ground.root + "/etc/uEnv.txt", where + "/mine"
    write(inside, b"a=1\n")
    write(where + "/real", b"a=1\n")
    os.symlink("real", outside)
    for path in (inside, outside):
        ground.good("-o", ground.out, "--append", path)
        assert b"\na=1\n" in read(ground.out)
    for target in ("/", "../" * 30):
        link(target + ground.host[1:] + "/uEnv.txt", inside)
        write(ground.out, b"old")
        ground.refused("-o", ground.out, "--append", inside)


def checked(where):
    """rootstock-bls applies the same rules to entries and menus."""
    ground = Ground(GRUB, where)
    boot = ground.root + "/boot"
    ground.program = BLS
    for verb in ("list", "check"):
        for path, target in ((boot + "/loader", "/cron.d"), (boot + "/loader.1/entries", ""),
                             (boot, "/boot")):
            link(ground.host + target, path)
            ground.refused(verb, "--root", ground.root)
            os.unlink(path)
            os.rename(path + ".away", path)
    # A menu that is a link out of the sysroot is not read.
    os.unlink(ground.out)
    os.symlink(ground.host + "/uEnv.txt", ground.out)
    ground.run("check", "--root", ground.root)


TESTS = [(f"{program.name}: {name}", functools.partial(test, program)) for program in (GRUB, UBOOT)
         for name, test in [
             *((f"{form} links out", lambda program, where, form=form:
                links_out(program, form, where)) for form in ("absolute", "relative", "short")),
             ("links inside", links_inside), ("ways to the root", ways_to_the_root),
             ("mounted /boot", mounted_boot)]]
TESTS += [("--append", lines_of_the_system), ("rootstock-bls", checked)]
sys.exit(tap.main(TESTS))
