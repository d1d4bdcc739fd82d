#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real libostree calls the generator at each deployment, and the menu has libostree's order."""
import functools
import os
import shutil
import sys

import sysroot
from testlib import tap
from testlib.host import Host


class GrubHost(Host):
    def __init__(self, where, initramfs=True, efi=None):
        super().__init__(where, sysroot.PROGRAM)
        self.commit("1", initramfs)
        # With sysroot.bootloader=grub2 libostree assumes GRUB for BIOS; without it, it finds GRUB
        # for EFI by its file.
        if efi:
            sysroot.write(f"{self.root}/boot/efi/EFI/{efi}/grub.cfg", b"old\n")
        else:
            self.set_bootloader("grub2")

    def menu(self):
        cfg = sysroot.read(self.root + "/boot/loader/grub.cfg")
        sysroot.script_check(cfg)
        assert cfg.endswith(b"set rootstock_complete=1\n")
        return sysroot.parse(cfg)

    def check_menu(self, count):
        """Our menu matches libostree's list of deployments and its own GRUB backend."""
        menu = self.menu()
        assert len(menu) == count, menu
        deployments = []
        for _, _, words, initrds in menu:
            for path in [words[0], *initrds]:
                assert os.path.isfile(self.root + path), path
            target = [w.removeprefix("ostree=") for w in words if w.startswith("ostree=")]
            deployments.append(self.deployment(target[0]))
        assert deployments == self.deployments(), (deployments, self.deployments())
        self.environment |= {"GRUB2_BOOT_DEVICE_ID": "x", "GRUB2_PREPARE_ROOT_CACHE": ""}
        theirs = self.run("ostree", "admin", "instutil", "grub2-generate", "--sysroot=" + self.root)
        titles = [line.split(" --class ")[0].removeprefix("menuentry ").replace("'\\''", "'")[1:-1]
                  for line in theirs.splitlines() if line.startswith("menuentry ")]
        assert [title for title, *_ in menu] == titles, (menu, titles)


def deployments(where, initramfs):
    host = GrubHost(where, initramfs)
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
        host.admin("pin", "0")
        host.commit(f"1{n}", initramfs)
        host.deploy("--retain", stateroot=("demo", "other")[n % 2])
    host.check_menu(11)
    host.admin("undeploy", "0")
    host.check_menu(10)


def same_tree_again(where):
    """If the same tree is deployed again, libostree calls no generator, and the ids stay."""
    host = GrubHost(where)
    host.deploy()
    before = host.menu()
    host.deploy()
    host.check_menu(2)
    assert before[0][1] == host.menu()[0][1], "the first entry has a new id"


def refused_default(where):
    host = GrubHost(where)
    host.deploy()
    loader = os.readlink(host.root + "/boot/loader")
    before = host.menu()
    host.deploy(r"--karg=systemd.mask=dev-disk-by\x2dlabel-x.swap", ok=False)
    assert os.readlink(host.root + "/boot/loader") == loader
    assert host.menu() == before
    for name in ("loader.0", "loader.1"):
        assert os.path.exists(f"{host.root}/boot/{name}/grub.cfg") == (name == loader)
    # The next correct deployment succeeds.
    host.deploy("--karg=a=b")
    host.check_menu(2)


def refused_rollback(where):
    """An older deployment that GRUB cannot boot does not prevent new ones."""
    host = GrubHost(where)
    host.set_bootloader("none")
    host.deploy(r"--karg=a=\b")
    host.set_bootloader("grub2")
    host.commit("2")
    host.deploy("--karg-none", "--karg=c=d")
    assert [words[1] for _, _, words, _ in host.menu()] == ["c=d"]


def last_deployment(where):
    """libostree can undeploy the last deployment, and deploy again."""
    host = GrubHost(where)
    for _ in range(2):
        host.deploy()
        host.check_menu(1)
        host.admin("undeploy", "0")
        assert host.menu() == [] and host.deployments() == []


def odd_stateroot(where):
    """Any name of a stateroot works, although libostree makes it a part of the entry's name."""
    host = GrubHost(where)
    host.deploy(stateroot="my~os")
    host.check_menu(1)


def efi(where, directory):
    host = GrubHost(where, efi=directory)
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
    same_tree_again, refused_default, refused_rollback, last_deployment, odd_stateroot)]
TESTS += [(f"EFI with GRUB in EFI/{directory}", functools.partial(efi, directory=directory))
          for directory in ("debian", "boot")]
if not shutil.which("ostree"):
    TESTS = tap.skipped(TESTS, "ostree is not installed")
sys.exit(tap.main(TESTS))
