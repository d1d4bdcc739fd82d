#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each program that reads a sysroot, with one hostile object of each kind in each place of the
sysroot. hostiletree.py judges by the files that are opened."""
import os
import shutil
import sys

from testlib import hostiletree
from testlib import tap

KVER, BOOTED = "6.1.0", "boot/ostree/os-c0ffee"
LINK = "ostree/boot.1.1/os/c0ffee/0"
DEPLOYMENT = "ostree/deploy/os/deploy/c0ffee.0"
ENTRY = b"title T\nversion 2\nlinux /ostree/os-c0ffee/vmlinuz\ninitrd /ostree/os-c0ffee/initrd\n" \
    b"devicetree /ostree/os-c0ffee/dtb\noptions root=LABEL=r ostree=/%s quiet\n" % LINK.encode()
MENUS = ["boot/loader.1/grub.cfg", "boot/loader.1/uEnv.txt"]
FILES = {
    "boot/loader.1/entries/ostree-2.conf": ENTRY,
    "boot/loader.1/entries/ostree-1.conf": ENTRY.replace(b"version 2", b"version 1"),
    **{menu: b"# old\n" for menu in MENUS},
    **{f"{BOOTED}/{name}": b"\0" for name in ("vmlinuz", "initrd", "dtb")},
    "ostree/repo/config": b"[core]\nrepo_version=1\n[sysroot]\nreadonly=true\nbootloader=grub2\n",
    f"{DEPLOYMENT}/usr/lib/rootstock/grub.conf": b"timeout=3\n",
    f"{DEPLOYMENT}/etc/rootstock/grub.conf": b"timeout=4\n",
    f"{DEPLOYMENT}/usr/lib/rootstock/uboot.conf": b"keep=fdtdir\n",
    f"{DEPLOYMENT}/etc/rootstock/uboot.conf": b"keep=fdtdir\n",
    f"{DEPLOYMENT}/usr/lib/ostree-boot/uEnv.txt": b"board=x\n",
    f"{DEPLOYMENT}/etc/fstab": b"/dev/x /var ext4 defaults 0 0\n",
    f"{DEPLOYMENT}/usr/lib/ostree/prepare-root.conf": b"[sysroot]\nreadonly=true\n",
    f"{DEPLOYMENT}/etc/ostree/prepare-root.conf": b"[sysroot]\nreadonly=true\n",
    f"{DEPLOYMENT}/usr/lib/os-release": b"ID=x\n",
    f"{DEPLOYMENT}/usr/lib/modules/{KVER}/vmlinuz": b"\0",
    f"{DEPLOYMENT}/usr/sbin/init": b"\0",
    **{f"{DEPLOYMENT}/{name}": None for name in (
        "boot", "dev", "proc", "run", "sys", "sysroot", "tmp", "var")},
    "ostree/deploy/os/var": None,
}
LINKS = {"boot/loader": "loader.1", "boot/boot": ".", "ostree/boot.1": "boot.1.1",
         LINK: "../../../deploy/os/deploy/c0ffee.0", f"{DEPLOYMENT}/sbin": "usr/sbin"}


def programs(root):
    """The commands that read a sysroot."""
    hook = ["env", "_OSTREE_GRUB2_BOOTVERSION=1"]
    grub, uboot, bls, prepare = ([f"{tap.BUILD}/{name}"] for name in (
        "ostree-grub-generator", "ostree-uboot-generator", "rootstock-bls", "ostree-prepare-root"))
    cmdline = f"root=LABEL=r ostree=/{LINK.replace('boot.1.1', 'boot.1')}"
    yield hook + grub + ["-o", f"{root}/{MENUS[0]}"]
    yield grub + ["-o", f"{root}/{MENUS[0].replace('loader.1', 'loader')}"]
    yield uboot + ["-o", f"{root}/{MENUS[1]}", "--root", root]
    yield bls + ["list", "--root", root]
    yield bls + ["check", "--root", root]
    yield bls + ["check", "--json", "--root", root]
    yield prepare + ["--dry-run", root, cmdline]
    yield prepare + ["--dry-run", root,
                     f"{cmdline} init=/{LINK}/usr/lib/ostree/ostree-prepare-root"]


def tree(where):
    return hostiletree.Tree(where, FILES, LINKS)


def nothing(where):
    """Without a hostile object each program works, and the judge finds nothing."""
    made = tree(where)
    os.unlink(made.root + "/way")
    for program in programs(made.root):
        assert not list(made.judge(program)), program
    for menu in MENUS:
        assert b"c0ffee" in tap.read(f"{made.root}/{menu}"), menu


def hostile(where, kind):
    made = tree(where)
    return made.run(kind, made.places, list(programs(made.root)),
                    out={f"{made.root}/{menu}": FILES[menu] for menu in MENUS})


def odd_root(where):
    """Control characters in names from the caller are not printed either."""
    made = tree(where)
    wrong = []
    for name in hostiletree.ODD_NAMES:
        root = os.path.join(where.encode(), b"r" + name).decode("utf-8", "surrogateescape")
        for there in (False, True):
            if there:
                shutil.copytree(made.root, root, symlinks=True)
                os.unlink(f"{root}/boot/loader.1/entries/ostree-1.conf")
                tap.write(f"{root}/boot/loader.1/entries/ostree-2.conf", b"title T\n")
            for program in programs(root):
                wrong += made.judge(program)
    hostiletree.fail_for(wrong)


TESTS = [("the judge detects faults", hostiletree.caught),
         ("a tree without hostile objects", nothing),
         *hostiletree.tests(hostile), ("odd names from the caller", odd_root)]
if not shutil.which("strace"):
    TESTS = tap.skipped(TESTS, "strace not installed")
sys.exit(tap.main(TESTS))
