#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""bls/check/bootfs-limits.h on real file systems: it warns exactly about those that GRUB's own code
or a real U-Boot cannot read, of each Debian release from 11 on, and all can read those that it
recommends."""
import functools
import os
import re
import shutil
import subprocess
import sys

from testlib import realuboot
from testlib import tap
from testlib import tools

# GRUB 2.06 twice, which differ, 2.12 and 2.14; U-Boot 2021.01 to 2025.01, and sid's.
RELEASES = ["bullseye", "bookworm", "trixie", "sid"]
SHOW = tap.BUILD + "/bls/check/test/show-bootfs-limits"
# Larger than an inode and a block.
MENU = b"".join(b"line %d of a menu\n" % i for i in range(500))
SIZE = 24 << 20
# Features for mke2fs, in addition to its defaults, with which so small a file system has blocks of
# 1 KiB.
FEATURES = ["", "ea_inode", "inline_data", "casefold", "encrypt", "large_dir", "mmp", "verity",
            "metadata_csum_seed", "orphan_file", "meta_bg,^resize_inode", "quota", "^has_journal",
            "^64bit", "^64bit,^extent", "^metadata_csum", "^dir_index", "ea_inode,inline_data",
            "project", "stable_inodes", "fast_commit", "sparse_super2", "large_dir,inline_data",
            "bigalloc", "bigalloc -b 4096", "metadata_csum_seed -b 4096"]
# A mke2fs.conf with unsuitable defaults.
CONFIG = b"""[defaults]
base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
[fs_types]
ext4 = {
features = has_journal,extent,huge_file,flex_bg,64bit,metadata_csum,inline_data,ea_inode,\
metadata_csum_seed,casefold
}
"""


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, check=True,
                          env=os.environ | environment).stdout.decode()


def content(where, name):
    """A /boot with a menu and a small file that names the file system."""
    tap.write(f"{where}/boot/loader/menu", MENU)
    tap.write(f"{where}/boot/loader/name", b"name=%s\n" % name.encode())
    return where + "/boot"


def blank(path, size=SIZE):
    with open(path, "wb") as image:
        image.truncate(size)
    return path


def make_ext4(where, path, feature):
    options = ["-O", *feature.split()] if feature else []
    if feature == "casefold":
        options += ["-E", "encoding=utf8"]
    run("mke2fs", "-q", "-F", "-t", "ext4", *options, "-d",
        content(where, feature or "plain"), blank(path))


def says(loader, kind, path, where):
    return run(SHOW, loader, kind, path, where + "/boot").splitlines()


def grub_reads(path, where, release="bookworm"):
    fstest = tools.of_release(release, "grub-common", "grub-fstest")
    return all(not subprocess.run([*fstest, path, "cmp", f"(loop0)/loader/{name}",
                                   f"{where}/boot/loader/{name}"],
                                  capture_output=True, check=False).returncode
               for name in ("menu", "name"))


def firmware(release):
    """The directory with a release's U-Boots for QEMU."""
    return tools.unpacked(release, "u-boot-qemu")[0] + "/usr/lib/u-boot"


def uboot_reads(where, paths, release="bookworm"):
    """Returns the names of the file systems that a release's U-Boot can read."""
    address, lines, devices = f"{realuboot.INPUT:x}", [], []
    for number, path in enumerate(paths):
        disk = f"virtio {number:x}:0 {address}"
        lines += [f"if load {disk} /loader/menu; then setenv size ${{filesize}}",
                  f"if load {disk} /loader/name; then env import -t {address} ${{filesize}}",
                  'echo "READ ${size} ${name}."; fi; fi']
        devices += ["-drive", f"if=none,id=d{number},format=raw,snapshot=on,file={path}",
                    "-device", f"virtio-blk-device,drive=d{number}"]
    tap.write(where + "/lines", "\n".join(["virtio scan", *lines, "reset\n"]).encode())
    run("mkimage", "-q", "-A", "arm", "-T", "script", "-C", "none", "-d", where + "/lines",
        where + "/script")
    devices += ["-device", f"loader,file={where}/script,addr={realuboot.SCRIPT:#x},force-raw=on"]
    with realuboot.Machine(where, "arm", {"bootdelay": "-2",
                                          "bootcmd": f"source {realuboot.SCRIPT:x}"},
                           devices, seconds=120, firmware=firmware(release)) as machine:
        return set(re.findall(rf"^READ {len(MENU):x} (.*)\.\r?$",
                              machine.console.decode("latin-1"), re.MULTILINE))


def grub_and(feature, where):
    """Each feature is named if no GRUB can read it, and with the release if only that one cannot."""
    path = where + "/image"
    make_ext4(where, path, feature)
    readers = {release for release in RELEASES if grub_reads(path, where, release)}
    named = {}
    for one in says("grub", "ext4", path, where):
        who, what = re.match(r"(.*) cannot read an ext4 with (\w+).*; put it on", one).groups()
        named.setdefault(who, []).append(what)
    older = named.pop("Debian 11's GRUB 2.06, and an older one,", [])
    assert set(named) <= {"GRUB"}, named
    asked = feature.split(" ")[0].split(",")
    assert set(older + named.get("GRUB", [])) <= set(asked), (older, named)
    assert readers == (set() if named else {"bookworm", "trixie", "sid"} if older
                       else set(RELEASES)), (readers, older, named)


def version_of_grub(where):
    """Where only GRUBs are seen that can read it, there is no warning."""
    path, folder = where + "/image", where + "/boot/grub/"
    make_ext4(where, path, "metadata_csum_seed")
    for release in RELEASES:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tools.unpacked(release, "grub-pc-bin")[0] + "/usr/lib/grub/i386-pc",
                        folder + "i386-pc")
        found = says("grub", "ext4", path, where)
        assert len(found) == (release in ("bullseye", "bookworm")), (release, found)
    shutil.copytree(tools.unpacked("bookworm", "grub-pc-bin")[0] + "/usr/lib/grub/i386-pc",
                    folder + "other")
    assert len(says("grub", "ext4", path, where)) == 1, "an older one beside a newer one"
    shutil.rmtree(folder + "i386-pc")
    tap.write(folder + "other/normal.mod", b"x\x002.12\x00")
    assert not says("grub", "ext4", path, where)
    tap.write(folder + "other/normal.mod", b"2.x")
    assert len(says("grub", "ext4", path, where)) == 1, "no version"


def uboot_and_ext4(where):
    paths = []
    for number, feature in enumerate(FEATURES):
        paths.append(f"{where}/{number}")
        make_ext4(where, paths[-1], feature)
    for release in RELEASES:
        read = uboot_reads(where, paths, release)
        assert "plain" in read, (release, read)
        for feature, path in zip(FEATURES, paths):
            found = says("uboot", "ext4", path, where)
            assert (not found) is ((feature or "plain") in read), (release, feature, found, read)
            assert all(re.match("U-Boot cannot read an ext4 with (inline_data|bigalloc and blocks "
                                "of 1 KiB); ", one) for one in found), found


def manual(where):
    """The man page has the recommended command, and names each feature in it."""
    make_ext4(where, where + "/image", "inline_data")
    line, = says("uboot", "ext4", where + "/image", where)
    here = os.path.dirname(os.path.abspath(__file__))
    page = tap.read(f"{here}/../rootstock-bls.8").decode()
    command = re.search(r'made with "(.*) DEVICE"$', line)[1]
    assert f"\n.Dl {command}\n" in page, command
    for feature in command.split("-O ")[1].replace("^", "").split(","):
        assert f"\n.It Li {feature}\n" in page, feature


def what_it_says_to_make(where):
    """Both loaders can read a file system made by the recommended command, whatever mke2fs.conf
    says."""
    tap.write(where + "/mke2fs.conf", CONFIG)
    path = blank(where + "/image")
    run("mke2fs", "-q", "-F", "-t", "ext4", path, MKE2FS_CONFIG=where + "/mke2fs.conf")
    content(where, "plain")
    line, *others = says("grub", "ext4", path, where)
    assert len(others) == 3 and "inline_data" in others[1], others
    command = re.search(r'made with "(.*) DEVICE"$', line)[1].split()
    run(*command, "-q", "-F", "-d", content(where, "plain"), blank(path),
        MKE2FS_CONFIG=where + "/mke2fs.conf")
    assert not says("grub", "ext4", path, where) and not says("uboot", "ext4", path, where)
    assert grub_reads(path, where) and uboot_reads(where, [path]) == {"plain"}


def make_xfs(where, path):
    boot = content(where, "xfs")
    tap.write(where + "/proto", f"/\n0 0\nd--755 0 0\nloader d--755 0 0\nmenu ---644 0 0 {boot}"
              f"/loader/menu\nname ---644 0 0 {boot}/loader/name\n$\n$\n".encode())
    run("mkfs.xfs", "-q", "-p", where + "/proto", blank(path, 320 << 20))


def make_f2fs(where, path):
    run("mkfs.f2fs", "-q", blank(path, 64 << 20))
    # Its exit status is not reliable; GRUB checks the result.
    subprocess.run(["sload.f2fs", "-f", content(where, "f2fs"), path], capture_output=True,
                   check=False)


def other_kinds(where):
    """GRUB reads XFS and F2FS, U-Boot does not, and the warnings say so."""
    make_xfs(where, where + "/xfs")
    assert grub_reads(where + "/xfs", where), "no XFS"
    make_f2fs(where, where + "/f2fs")
    assert grub_reads(where + "/f2fs", where), "no F2FS"
    make_ext4(where, where + "/ext4", "")
    paths = [f"{where}/{kind}" for kind in ("xfs", "f2fs", "ext4")]
    assert uboot_reads(where, paths) == {"plain"}
    for kind, name in ("xfs", "XFS"), ("f2fs", "F2FS"):
        found = says("uboot", kind, f"{where}/{kind}", where)
        assert len(found) == 1 and found[0].startswith(f"U-Boot cannot read {name}; put"), found
    assert not says("grub", "f2fs", where + "/f2fs", where)
    assert "GRUB does not read the log of XFS" in says("grub", "xfs", where + "/xfs", where)[0]


def fat(where):
    """FAT gives a warning only if boot/loader is a directory."""
    os.makedirs(where + "/boot")
    for loader in "grub", "uboot":
        assert not says(loader, "vfat", "/dev/null", where)
    os.mkdir(where + "/boot/loader")
    for loader in "grub", "uboot":
        assert "FAT has no symlinks" in says(loader, "vfat", "/dev/null", where)[0]


def nothing_to_read(where):
    """A device that is missing, too small or not an ext4 gives no warnings."""
    content(where, "plain")
    tap.write(where + "/small", b"x")
    for path in where + "/none", where + "/small", blank(where + "/zeros"):
        assert not says("grub", "ext4", path, where)


NAMED = [(feature or "no feature", functools.partial(grub_and, feature)) for feature in FEATURES]
TESTS = [("GRUB: " + name, test) for name, test in NAMED]
TESTS += [("the version of GRUB", version_of_grub), ("U-Boot and ext4", uboot_and_ext4),
          ("the man page", manual), ("the recommended mke2fs", what_it_says_to_make),
          ("XFS and F2FS", other_kinds)]
MISSING = realuboot.missing() or next(
    (tool for tool in ("mkfs.xfs", "mkfs.f2fs", "sload.f2fs")
     if not shutil.which(tool)), None)
if MISSING:
    TESTS = tap.skipped(TESTS, f"there is no {MISSING}")
TESTS += [("FAT", fat), ("devices without an ext4", nothing_to_read)]
sys.exit(tap.main(TESTS))
