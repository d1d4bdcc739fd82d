#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Comparison with libostree's own uEnv.txt, and the real libostree as caller of the generator."""
import os
import re
import shutil
import sys

import sysroot
from testlib import tap
from testlib.host import Host
from sysroot import generate, parse, read, write

LINES = b"board=1\nuenvcmd=run x\n"
MASK = rb"systemd.mask=dev-disk-by\x2dlabel-x.swap"


class UbootHost(Host):
    """A sysroot in which libostree writes uEnv.txt itself."""

    def __init__(self, where):
        super().__init__(where, "/bin/false")
        os.makedirs(self.root + "/boot/loader.0")
        os.symlink("loader.0", self.root + "/boot/loader")
        write(self.root + "/boot/loader/uEnv.txt", b"")
        self.set_bootloader("uboot")

    def compare(self, change=lambda theirs: theirs):
        """Our file has the same bytes as libostree's, except for an intended change."""
        theirs = read(self.root + "/boot/loader/uEnv.txt")
        assert theirs.startswith(b"kernel_image="), theirs
        status, ours, said = generate("-o", "-", "--compat=ostree", "--root", self.root,
                                      "--entries", self.root + "/boot/loader/entries")
        assert status == 0 and ours == change(theirs), (said, ours, theirs)
        return theirs


class OurHost(Host):
    """A sysroot in which libostree calls our generator as if it were GRUB's."""

    def __init__(self, where):
        super().__init__(where, sysroot.PROGRAM)
        self.set_bootloader("grub2")

    def check(self, count):
        """The values match libostree's entries, in the order of its deployments."""
        assert b"uEnv.txt" in read(self.root + "/boot/loader/grub.cfg")
        entries, others = parse(read(self.root + "/boot/loader/uEnv.txt"))
        assert len(entries) == count, entries
        options = []
        directory = self.root + "/boot/loader/entries/"
        for name in os.listdir(directory):
            found = dict(line.split(b" ", 1) for line in read(directory + name).splitlines())
            options.append((int(found[b"version"]), found[b"options"], found[b"linux"]))
        expected = [(line, b"/boot" + kernel) for _, line, kernel in sorted(options, reverse=True)]
        assert [(e["bootargs"], e["kernel_image"]) for e in entries] == expected, entries
        found = []
        for values in entries:
            for field in ("kernel_image", "ramdisk_image"):
                path = values.get(field, values["kernel_image"]).decode()
                assert os.path.isfile(self.root + path), path
                assert path.startswith(values["bootdir"].decode()), values
            found.append(self.deployment(
                re.search(rb"ostree=(\S+)", values["bootargs"])[1].decode()))
        assert found == self.deployments(), (found, self.deployments())
        return entries, others

    def loader(self):
        """The target of /boot/loader and all files in it."""
        found = {}
        for path, _, names in os.walk(self.root + "/boot/loader/"):
            found |= {f"{path}/{name}": read(f"{path}/{name}") for name in names}
        return os.readlink(self.root + "/boot/loader"), found


def with_initramfs(where):
    host = UbootHost(where)
    host.commit("1", more={"usr/lib/ostree-boot/uEnv.txt": LINES})
    host.deploy("--karg=root=LABEL=x", '--karg=dyndbg="file  a.c +p"', "--karg=x=it's", "--karg=#y")
    assert LINES + b"\n" in host.compare()
    # Only the default deployment's lines; two stateroots; another kernel.
    host.commit("2")
    host.deploy(stateroot="other")
    assert LINES not in host.compare()
    host.commit("3", more={"usr/lib/ostree-boot/uEnv.txt": b"last=line"})
    host.deploy("--karg=a=1")
    assert b"\nlast=line\nkernel_image2=" in host.compare()
    for number in range(4, 14):
        host.admin("pin", "0")
        host.commit(str(number))
        host.deploy("--retain", stateroot=("demo", "other")[number % 2])
    assert b"\nkernel_image11=" in host.compare()
    host.admin("undeploy", "0")
    host.compare()


def without_initramfs(where):
    host = UbootHost(where)
    host.commit("1", initramfs=False)
    host.deploy("--karg=root=LABEL=x")
    assert b" init=/ostree/boot." in host.compare()
    host.commit("2", initramfs=False)
    host.deploy()
    assert b"ramdisk" not in host.compare()


def device_trees(where):
    host = UbootHost(where)
    host.commit("1", more={"modules/devicetree": b"one"})
    host.deploy()
    assert b"\nfdt_file=/boot/ostree/demo-" in host.compare()
    host.commit("2", more={"modules/dtb/a.dtb": b"a", "modules/dtb/vendor/b.dtb": b"b"})
    host.deploy()
    theirs = host.compare()
    assert b"\nfdtdir=/boot/ostree/demo-" in theirs and b"\nfdt_file2=" in theirs


def backslashes(where):
    """We escape backslashes; libostree does not, so U-Boot loses them."""
    host = UbootHost(where)
    host.commit("1")
    host.deploy("--karg=" + MASK.decode())
    theirs = host.compare(lambda theirs: theirs.replace(b"\\", b"\\\\"))
    assert MASK not in sysroot.imports(theirs)[b"bootargs"]
    status, ours, _ = generate("-o", "-", "--root", host.root, "--entries",
                               host.root + "/boot/loader/entries")
    assert status == 0 and MASK in sysroot.imports(ours)[b"bootargs"], ours


def stale_init(where):
    """We drop a stale init= for a tree with an initramfs; libostree keeps it (ostree #1440)."""
    host = UbootHost(where)
    host.commit("1", initramfs=False)
    host.deploy("--karg=root=LABEL=x")
    host.commit("2")
    host.deploy()
    word = rb" init=\S+/ostree-prepare-root"
    theirs = host.compare(lambda theirs: re.sub(word, b"", theirs, count=1))
    assert len(re.findall(word, theirs)) == 2, theirs


def in_the_hook(where):
    host = OurHost(where)
    host.commit("1", more={"usr/lib/ostree-boot/uEnv.txt": LINES})
    host.deploy("--karg=root=LABEL=x", '--karg=dyndbg="file  a.c +p"', "--karg=" + MASK.decode())
    entries, others = host.check(1)
    assert MASK in entries[0]["bootargs"] and others == {"board": b"1", "uenvcmd": b"run x"}
    host.commit("2")
    host.deploy()
    assert host.check(2)[1] == {}
    first = host.run("ostree", f"--repo={where}/repo", "rev-parse", "demo^").strip()
    host.commit("3", initramfs=False, more={"modules/dtb/a.dtb": b"a"})
    host.deploy(stateroot="other")
    assert host.check(3)[0][0]["fdtdir"].endswith(b"/dtb")
    # Rollback: the newest deployment is removed, and an old tree is deployed again.
    host.admin("pin", "2")
    host.admin("undeploy", "0")
    host.check(2)
    host.admin("deploy", "--os=demo", "--retain", first)
    _, others = host.check(3)
    assert others["board"] == b"1"
    assert host.deployments()[0][1] == first


def kargs_edited_in_place(where):
    """After kargs edit-in-place, at which libostree calls no generator, the command of the man page
    updates the file."""
    host = OurHost(where)
    host.commit("1")
    host.deploy()
    host.admin("kargs", "edit-in-place", "--append-if-missing=panic=10")
    uenv = host.root + "/boot/loader/uEnv.txt"
    assert b"panic=10" not in read(uenv)
    assert generate("-o", uenv) == (0, b"", [])
    entries, _ = host.check(1)
    assert entries[0]["bootargs"].endswith(b" panic=10"), entries


def failing_generator(where):
    host = OurHost(where)
    host.commit("1")
    host.deploy()
    before = host.loader()
    host.commit("2")
    host.deploy("--karg=x=" + "y" * 2048, ok=False)
    assert host.loader() == before
    host.commit("3", more={"usr/lib/rootstock/uboot.conf": b"compat=no\n"})
    host.deploy(ok=False)
    assert host.loader() == before
    host.commit("4")
    host.deploy()
    host.check(2)


def last_deployment(where):
    """libostree can undeploy the last deployment and deploy again; the file then is empty, as
    libostree's own is."""
    host = OurHost(where)
    for _ in range(2):
        host.commit("1")
        host.deploy()
        host.check(1)
        host.admin("undeploy", "0")
        host.check(0)
    os.mkdir(where + "/theirs")
    theirs = UbootHost(where + "/theirs")
    theirs.commit("1")
    theirs.deploy()
    theirs.admin("undeploy", "0")
    status, ours, _ = generate("-o", "-", "--compat=ostree", "--root", theirs.root, "--entries",
                               theirs.root + "/boot/loader/entries")
    assert status == 0 and ours == read(theirs.root + "/boot/loader/uEnv.txt").lstrip(b"\n"), ours


def bootloader_auto(where):
    """With sysroot.bootloader=auto libostree overwrites our file, as the man page warns."""
    host = OurHost(where)
    host.commit("1")
    host.deploy()
    host.set_bootloader("auto")
    host.commit("2")
    host.deploy()
    assert b"rootstock_complete" not in read(host.root + "/boot/loader/uEnv.txt")


TESTS = [(test.__name__.replace("_", " "), test) for test in (
    with_initramfs, without_initramfs, device_trees, backslashes, stale_init, in_the_hook,
    kargs_edited_in_place, failing_generator, last_deployment, bootloader_auto)]
if not shutil.which("ostree"):
    TESTS = tap.skipped(TESTS, "ostree is not installed")
sys.exit(tap.main(TESTS))
