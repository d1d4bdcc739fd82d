#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real libostree calls the generator at each deployment, and judges the order of the menu."""
import functools
import os
import re
import shutil
import subprocess
import sys

import sysroot
import tap


class Host:
    """A sysroot made by ostree, which calls our generator."""

    def __init__(self, where, initramfs=True, efi=None):
        self.where, self.root = where, where + "/sysroot"
        self.environment = sysroot.clean_environment(
            OSTREE_GRUB2_EXEC=tap.PROGRAM, OSTREE_SYSROOT_DEBUG="mutable-deployments")
        os.mkdir(self.root)
        self.run("ostree", f"--repo={where}/repo", "init", "--mode=bare-user")
        self.commit("1", initramfs)
        self.run("ostree", "admin", "init-fs", self.root)
        # With sysroot.bootloader=grub2 libostree does not look which GRUB there is, and takes the
        # one for BIOS; without, it finds the one for EFI by its file.
        if efi:
            sysroot.write(f"{self.root}/boot/efi/EFI/{efi}/grub.cfg", b"old\n")
        else:
            self.set_bootloader("grub2")

    def run(self, *command, ok=True):
        done = subprocess.run(command, capture_output=True, check=False, env=self.environment)
        assert (done.returncode == 0) is ok, done
        return done.stdout.decode()

    def set_bootloader(self, name):
        self.run("ostree", f"--repo={self.root}/ostree/repo", "config", "set",
                 "sysroot.bootloader", name)

    def commit(self, version, initramfs=True):
        """A tree whose kernel is new with each version."""
        tree = self.where + "/tree"
        shutil.rmtree(tree, ignore_errors=True)
        modules = f"{tree}/usr/lib/modules/6.1.{version}"
        sysroot.write(modules + "/vmlinuz", b"kernel " + version.encode())
        if initramfs:
            sysroot.write(modules + "/initramfs.img", b"initramfs " + version.encode())
        for path in ("usr/lib/os-release", "usr/etc/os-release"):
            sysroot.write(f"{tree}/{path}", b'ID=demo\nPRETTY_NAME="Bob\'s 100%% OS"\n')
        for name in ("boot", "dev", "proc", "run", "sys", "sysroot", "var"):
            os.mkdir(f"{tree}/{name}")
        self.run("ostree", f"--repo={self.where}/repo", "commit", "-b", "demo",
                 "--tree=dir=" + tree)

    def deploy(self, *arguments, stateroot="demo", ok=True):
        if not os.path.isdir(f"{self.root}/ostree/deploy/{stateroot}"):
            self.run("ostree", "admin", "os-init", "--sysroot=" + self.root, stateroot)
        self.run("ostree", f"--repo={self.root}/ostree/repo", "pull-local", self.where + "/repo",
                 "demo")
        self.run("ostree", "admin", "deploy", "--sysroot=" + self.root, "--os=" + stateroot,
                 *arguments, "demo", ok=ok)

    def menu(self):
        cfg = sysroot.read(self.root + "/boot/loader/grub.cfg")
        sysroot.script_check(cfg)
        assert cfg.endswith(b"set rootstock_complete=1\n")
        return sysroot.parse(cfg)

    def check_menu(self, count):
        """Our menu against libostree's list of deployments and its own GRUB backend."""
        menu = self.menu()
        assert len(menu) == count, menu
        status = re.findall(r"^[* ] (\S+) ([0-9a-f]{64})\.(\d+)",
                            self.run("ostree", "admin", "status", "--sysroot=" + self.root),
                            re.MULTILINE)
        deployments = []
        for _, _, words, initrds in menu:
            for path in [words[0], *initrds]:
                assert os.path.isfile(self.root + path), path
            target = [w.removeprefix("ostree=") for w in words if w.startswith("ostree=")]
            name = os.path.realpath(self.root + target[0]).split("/")
            deployments.append((name[-3], *name[-1].split(".")))
        assert deployments == status, (deployments, status)
        self.environment |= {"GRUB2_BOOT_DEVICE_ID": "x", "GRUB2_PREPARE_ROOT_CACHE": ""}
        theirs = self.run("ostree", "admin", "instutil", "grub2-generate", "--sysroot=" + self.root)
        titles = [line.split(" --class ")[0].removeprefix("menuentry ").replace("'\\''", "'")[1:-1]
                  for line in theirs.splitlines() if line.startswith("menuentry ")]
        assert [title for title, *_ in menu] == titles, (menu, titles)


def deployments(where, initramfs):
    host = Host(where, initramfs)
    host.deploy("--karg=root=LABEL=x", '--karg=dyndbg="file  a.c +p"')
    host.check_menu(1)
    words = host.menu()[0][2]
    assert words[1:3] == ["root=LABEL=x", "dyndbg=file  a.c +p"], words
    assert any(w.startswith("init=/ostree/boot.") for w in words) is not initramfs, words
    host.commit("2", initramfs)
    host.deploy()
    host.check_menu(2)
    ids = [ident for _, ident, *_ in host.menu()]
    # Two stateroots, and enough deployments for a second digit.
    host.commit("3", initramfs)
    host.deploy(stateroot="other")
    host.check_menu(3)
    assert set(ids) < {ident for _, ident, *_ in host.menu()}, "an id has changed"
    for n in range(8):
        host.run("ostree", "admin", "pin", "--sysroot=" + host.root, "0")
        host.commit(f"1{n}", initramfs)
        host.deploy("--retain", stateroot=("demo", "other")[n % 2])
    host.check_menu(11)
    host.run("ostree", "admin", "undeploy", "--sysroot=" + host.root, "0")
    host.check_menu(10)


def same_tree_again(where):
    """libostree then flips ostree= below the menu without calling anybody."""
    host = Host(where)
    host.deploy()
    before = host.menu()
    host.deploy()
    host.check_menu(2)
    assert before[0][1] == host.menu()[0][1], "the first entry has a new id"


def refused_default(where):
    host = Host(where)
    host.deploy()
    loader = os.readlink(host.root + "/boot/loader")
    before = host.menu()
    host.deploy(r"--karg=systemd.mask=dev-disk-by\x2dlabel-x.swap", ok=False)
    assert os.readlink(host.root + "/boot/loader") == loader
    assert host.menu() == before
    for name in ("loader.0", "loader.1"):
        assert os.path.exists(f"{host.root}/boot/{name}/grub.cfg") == (name == loader)
    # And the next one that is in order goes through.
    host.deploy("--karg=a=b")
    host.check_menu(2)


def refused_rollback(where):
    """An older deployment that GRUB cannot boot does not keep new ones out."""
    host = Host(where)
    host.set_bootloader("none")
    host.deploy(r"--karg=a=\b")
    host.set_bootloader("grub2")
    host.commit("2")
    host.deploy("--karg-none", "--karg=c=d")
    assert [words[1] for _, _, words, _ in host.menu()] == ["c=d"]


def odd_stateroot(where):
    """libostree takes any name for a stateroot, and puts it into that of the entry."""
    host = Host(where)
    host.deploy(stateroot="my~os")
    host.check_menu(1)


def efi(where, directory):
    host = Host(where, efi=directory)
    out = f"{host.root}/boot/efi/EFI/{directory}/grub.cfg"
    for count in (1, 2):
        host.commit(str(count))
        host.deploy()
        menu = sysroot.parse(sysroot.read(out))
        assert len(menu) == count, menu
        for _, _, words, _ in menu:
            assert os.path.isfile(host.root + words[0]), words


TESTS = [("deployments with an initramfs", functools.partial(deployments, initramfs=True)),
         ("deployments without an initramfs", functools.partial(deployments, initramfs=False))]
TESTS += [(test.__name__.replace("_", " "), test) for test in (
    same_tree_again, refused_default, refused_rollback, odd_stateroot)]
TESTS += [(f"EFI with GRUB in EFI/{directory}", functools.partial(efi, directory=directory))
          for directory in ("debian", "boot")]
if not shutil.which("ostree"):
    TESTS = tap.skipped(TESTS, "ostree is not installed")
sys.exit(tap.main(TESTS))
