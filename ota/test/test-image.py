#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-image: what a source has is in the commit, where the rules say; a reader of repositories
that is not libostree compares. What cannot be kept is refused, and then there is no commit."""
import gzip
import io
import json
import lzma
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time

from testlib import tap
from testlib.bootfiles import PROGRAM, elf
from testlib.ostreerepo import Repo
from testlib.slowness import limit

IMAGE = os.path.join(tap.BUILD, "rootstock-image")
MKINITRAMFS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "../../initramfs/rootstock-mkinitramfs")
BRANCH = "rootstock/main"
RELEASE = "6.1.0-test"
MODULES = f"usr/lib/modules/{RELEASE}"
FILE, LINK, HARD, FOLDER = tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
# Version 2; owner rwx, user 1000 r--, group r-x, mask r-x, other nothing.
ACL = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *one) for one in (
    (1, 7, 0xffffffff), (2, 4, 1000), (4, 5, 0xffffffff), (16, 5, 0xffffffff),
    (32, 0, 0xffffffff)))


def kernel(mark=b""):
    """What counts as a bzImage by its first bytes."""
    data = bytearray(0x400)
    data[0x1fe:0x200], data[0x202:0x206] = b"\x55\xaa", b"HdrS"
    data[0x206:0x208], data[0x211], data[0x236] = b"\x0f\x02", 1, 3
    return bytes(data) + mark


def member(name, kind=FILE, data=b"", mode=None, uid=0, gid=0, target="", headers=None):
    one = tarfile.TarInfo(name)
    one.type, one.size, one.uid, one.gid, one.linkname = kind, len(data), uid, gid, target
    one.mode = mode if mode is not None else 0o755 if kind == FOLDER else 0o644
    one.mtime = 1700000000
    one.pax_headers = headers or {}
    return one, data


def xattr(**values):
    """Headers for extended attributes; "__" in a name stands for a point."""
    return {"SCHILY.xattr." + name.replace("__", "."): value.decode("utf-8", "surrogateescape")
            for name, value in values.items()}


# A small system that would boot.
BASE = [member("usr", FOLDER), member("usr/sbin", FOLDER), member("usr/bin", FOLDER),
        member("usr/lib", FOLDER), member("bin", LINK, target="usr/bin"),
        member("sbin", LINK, target="usr/sbin"), member("lib", LINK, target="usr/lib"),
        member("etc", FOLDER), member("var", FOLDER), member("boot", FOLDER),
        member("usr/sbin/init", data=PROGRAM, mode=0o755),
        member("etc/os-release", data=b"ID=x\n"),
        member("boot/vmlinuz-" + RELEASE, data=kernel()), member(MODULES, FOLDER),
        member("usr/lib/ostree", FOLDER),
        member("usr/lib/ostree/ostree-prepare-root", data=PROGRAM, mode=0o755),
        member("usr/bin/ostree", data=PROGRAM, mode=0o755)]
# Everything that a file can be.
NASTY = [
    member("./", FOLDER, mode=0o755), member("etc/shadow", data=b"root:*\n", mode=0o640, gid=42),
    member("usr/bin/su", data=b"su", mode=0o4755), member("usr/bin/wall", data=b"w", mode=0o2755,
                                                           gid=5),
    member("usr/bin/ping", data=b"ping", mode=0o755, headers=xattr(security__capability=CAPABILITY)),
    member("usr/lib/many", data=b"x", uid=3000000000, gid=200000,
           headers=xattr(user__b=b"2", user__a=b"\xff\0\x01", trusted__t=b"t",
                         security__selinux=b"system_u:object_r:bin_t:s0\0")),
    member("usr/lib/acl", data=b"a", mode=0o750, headers={
        "SCHILY.acl.access": "user::rwx,user:1000:r--,group::r-x,mask::r-x,other::---"}),
    member("usr/lib/zero", data=b"z", mode=0),
    member("usr/lib/empty"), member("usr/lib/shared", FOLDER, mode=0o3770, gid=7,
                                    headers=xattr(user__dir=b"d")),
    member("usr/lib/dangling", LINK, target="/no/where"),
    member("usr/lib/long", LINK, target="x/" * 150 + "end"),
    member("usr/lib/one", data=b"linked", mode=0o600, uid=9), member("usr/lib/two", HARD,
                                                                       target="usr/lib/one"),
    member("usr/lib/odd \n \\ 'name' \u00e9\u4e2d", data=b"odd"),
    member("usr/lib/" + "n" * 200, data=b"long"),
    member("usr/lib/big", data=bytes(5 << 20) + b"end"),
    member("var/lib/app/db", data=b"db", mode=0o600, uid=33, gid=33),
    member("home/user", FOLDER, mode=0o700, uid=1000, gid=1000),
    member("home/user/.profile", data=b"p", uid=1000, gid=1000),
    member("home/user/tool", LINK, target="../../usr/bin/su", uid=1000, gid=1000),
    member("root", FOLDER, mode=0o700), member("root/.note", data=b"n"),
    member("usr/local/bin/mine", data=b"m", mode=0o755),
    member("usr/local/bin/near", LINK, target="../../bin/su"),
]
# Where those that move are in the tree.
MOVED = {"etc/": "usr/etc/", "var/": "usr/share/factory/var/", "home/": "usr/share/factory/var/home/",
         "root/": "usr/share/factory/var/roothome/",
         "usr/local/": "usr/share/factory/var/usrlocal/"}


def tar(where, members, name="in.tar", pack=bytes):
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as out:
        for one, content in members:
            out.addfile(one, io.BytesIO(content))
    tap.write(f"{where}/{name}", pack(data.getvalue()))
    return f"{where}/{name}"


def call(*words, stdin=None, **more):
    return subprocess.run([IMAGE, *words], stdin=stdin, capture_output=True, check=False,
                          timeout=limit(120), **more)


def check(*words):
    """(exit status, {(kind, rule): paths})"""
    done = call("check", "--json", "--quiet", *words)
    assert not done.stderr, done.stderr
    found = {}
    for one in json.loads(done.stdout)["actions"]:
        found.setdefault((one["kind"], one["rule"]), []).extend(one["paths"])
    return done.returncode, found


def commit(where, *words, **more):
    done = call("commit", "--quiet", "--repo", where + "/repo", *words, **more)
    assert done.returncode == 0, (done.stdout, done.stderr)
    return Repo(where + "/repo")


def refused(where, kind, path, *words):
    """The check and the commit name the path, and there is no commit."""
    status, found = check(*words)
    assert status == 1 and path in found.get(("refused", kind), []), (status, found)
    done = call("commit", "--quiet", "--repo", where + "/repo", *words)
    assert done.returncode == 1 and b"nothing was committed" in done.stderr, done
    assert not Repo(where + "/repo").has(BRANCH)


def unreadable(where, sentence, *words, **more):
    """One sentence, and no commit."""
    done = call("commit", "--quiet", "--repo", where + "/repo", *words, **more)
    said = done.stderr.decode()
    assert done.returncode == 1 and sentence in said and said.count("\n") == 1, done
    assert not Repo(where + "/repo").has(BRANCH)
    fsck(where)


def fsck(where):
    done = subprocess.run(["ostree", f"--repo={where}/repo", "fsck"], capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr


def destination(path):
    for start, target in MOVED.items():
        if path.startswith(start):
            return target + path[len(start):]
    return path


def compare(tree, members):
    """Each member is in the tree as it was."""
    contents = {}
    for one, data in members:
        path = destination(one.name.removeprefix("./").rstrip("/"))
        if one.type == FOLDER and one.name in ("home/user", "root"):
            path = destination(one.name + "/").rstrip("/")
        if one.type == HARD:
            assert tree[path] == tree[destination(one.linkname)], path
            continue
        contents[path] = data
        found = tree[path]
        kind = {FILE: 0o100000, LINK: 0o120000, FOLDER: 0o040000}[one.type]
        mode = 0o777 if one.type == LINK else one.mode
        assert (found["mode"], found["uid"], found["gid"]) == (kind | mode, one.uid, one.gid), (
            path, found)
        assert found["content"] == data, path
        wanted = {name.removeprefix("SCHILY.xattr."): value.encode("utf-8", "surrogateescape")
                  for name, value in one.pax_headers.items() if "xattr" in name}
        if "SCHILY.acl.access" in one.pax_headers:
            wanted["system.posix_acl_access"] = ACL
        assert found["xattrs"] == wanted, (path, found["xattrs"], wanted)


def everything(where):
    repo = commit(where, tar(where, BASE + NASTY))
    tree = repo.tree(BRANCH)
    compare(tree, NASTY)
    for path, target in (("usr/lib/dangling", "/no/where"), ("usr/lib/long", "x/" * 150 + "end"),
                         ("home", "var/home"), ("root", "var/roothome"), ("mnt", "var/mnt"),
                         ("usr/local", "../var/usrlocal"), ("media", "run/media"),
                         ("ostree", "sysroot/ostree"), ("bin", "usr/bin"), ("lib", "usr/lib"),
                         # Moved links that would lead elsewhere are absolute.
                         ("usr/share/factory/var/home/user/tool", "/usr/bin/su"),
                         ("usr/share/factory/var/usrlocal/bin/near", "/usr/bin/su")):
        assert tree[path]["target"] == target, (path, tree[path])
    assert [path for path in tree if path.startswith("var/")] == []
    assert tree["tmp"]["mode"] == 0o41777 and tree[MODULES + "/vmlinuz"]["content"] == kernel()
    fsck(where)


def packed(where):
    """Every compression, a pipe and a directory give the same tree."""
    plain = commit(where, tar(where, BASE + NASTY)).commit(BRANCH)
    for name, pack in (("gzip", gzip.compress), ("xz", lzma.compress)):
        os.makedirs(f"{where}/{name}")
        found = commit(f"{where}/{name}", tar(where, BASE + NASTY, name + ".tar", pack))
        assert found.commit(BRANCH) == plain, name
    os.makedirs(where + "/pipe")
    with open(where + "/in.tar", "rb") as source:
        assert commit(where + "/pipe", "-", stdin=source).commit(BRANCH) == plain


def from_directory(where):
    """A directory gives what a tar of it gives, in any locale and with any umask."""
    root = where + "/root"
    for one, data in BASE + NASTY:
        path = f"{root}/{one.name}"
        os.makedirs(os.path.dirname(path.rstrip("/")), exist_ok=True)
        if one.type == FOLDER:
            os.makedirs(path, exist_ok=True)
        elif one.type == LINK:
            os.symlink(one.linkname, path)
        elif one.type == HARD:
            os.link(f"{root}/{one.linkname}", path)
        elif one.name != "usr/lib/zero":
            tap.write(path, data)
            os.chmod(path, one.mode)
    os.setxattr(root + "/usr/lib/many", "user.a", b"\xff\0\x01")
    os.setxattr(root + "/usr/lib/many", "user.b", b"2")
    first = commit(where, root).tree(BRANCH)
    many = first["usr/lib/many"]
    assert many["xattrs"] == {"user.a": b"\xff\0\x01", "user.b": b"2"}, many
    assert (many["uid"], many["gid"]) == (os.getuid(), os.getgid())
    assert first["usr/bin/su"]["mode"] == 0o104755 and first["usr/lib/one"] == first["usr/lib/two"]
    subprocess.run(["tar", "--xattrs", "--numeric-owner", "-C", root, "-cf", where + "/gnu.tar",
                    "."], check=True)
    os.makedirs(where + "/other")
    other = commit(where + "/other", where + "/gnu.tar", umask=0o077,
                   env=dict(os.environ, LC_ALL="C", TZ="Asia/Tokyo")).tree(BRANCH)
    assert first == other, [path for path in first if first[path] != other.get(path)]


def any_order(where):
    """The order of a tar changes nothing, but for what is there twice."""
    plain = commit(where, tar(where, BASE + NASTY)).commit(BRANCH)

    def mixed(numbers):
        members = [one for one in BASE + NASTY if one[0].type != HARD]
        numbers.shuffle(members)
        members += [one for one in NASTY if one[0].type == HARD]
        folder = f"{where}/{numbers.random()}"
        os.makedirs(folder)
        assert commit(folder, tar(folder, members)).commit(BRANCH) == plain
    tap.repeat(20 if tap.LONG else 4, mixed)


def layers(where):
    """A later source lies over an earlier one, through links of a merged /usr too."""
    first = tar(where, BASE + [member("usr/lib/x", data=b"old"), member("etc/y", data=b"y")])
    second = tar(where, [member("lib/x", data=b"new", uid=1), member("etc/z", data=b"z")], "2.tar")
    tree = commit(where, first, second).tree(BRANCH)
    assert tree["usr/lib/x"]["content"] == b"new" and tree["usr/lib/x"]["uid"] == 1
    assert tree["usr/etc/y"]["content"] + tree["usr/etc/z"]["content"] == b"yz"


UNMERGED = [one for one in BASE if one[0].name not in ("bin", "sbin", "lib")] + [
    member("bin", FOLDER), member("sbin", FOLDER), member("lib", FOLDER),
    member("bin/sh", data=b"sh", mode=0o755), member("usr/bin/sh", LINK, target="/bin/sh"),
    member("lib/libc.so", data=b"c"), member("usr/lib/libc.so", LINK, target="../../lib/libc.so"),
    member("sbin/getty", LINK, target="../bin/sh"), member("bin/same", data=b"s"),
    member("usr/bin/same", data=b"s"), member("lib64", LINK, target="lib"),
    member("bin/up", LINK, target="../usr/bin/env")]


def unmerged(where):
    """Yocto's older trees and Buildroot's: bin, sbin and lib go into usr."""
    tree = commit(where, tar(where, UNMERGED)).tree(BRANCH)
    for path, content in (("usr/bin/sh", b"sh"), ("usr/lib/libc.so", b"c"),
                          ("usr/bin/same", b"s")):
        assert tree[path]["content"] == content, path
    for path, target in (("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib"),
                         ("lib64", "usr/lib64"), ("usr/lib64", "lib"),
                         ("usr/sbin/getty", "../bin/sh"), ("usr/bin/up", "/usr/bin/env")):
        assert tree[path]["target"] == target, (path, tree[path])
    os.makedirs(where + "/other")
    refused(where + "/other", "merge", "usr/bin/sh", tar(where, UNMERGED[:-8] + [
        member("bin/sh", data=b"one"), member("usr/bin/sh", data=b"two")], "2.tar"))


def kernels(where):
    """One kernel, found in boot or in usr/lib/modules; several are refused unless one is named."""
    bare = [one for one in BASE if not one[0].name.startswith("boot/")]
    for number, (members, option, wanted) in enumerate((
            ([member("boot/zImage", data=kernel())], [], kernel()),
            ([member("boot/zImage-9", data=kernel(), mode=0o600),
              member("boot/zImage", LINK, target="zImage-9")], [], kernel()),
            ([member(MODULES + "/Image", data=kernel(b"i"))], [], kernel(b"i")),
            ([member(MODULES + "/vmlinuz", data=kernel()),
              member("boot/vmlinuz-" + RELEASE, data=kernel(), mode=0o600)], [], kernel()),
            ([member("boot/vmlinuz-1", data=kernel(b"1")),
              member("boot/vmlinuz-2", data=kernel(b"2"))], ["--kernel", "2"], kernel(b"2")),
            ([member("boot/vmlinuz-1", data=kernel(b"1")), member("boot/zImage", data=kernel())],
             ["--kernel", "zImage"], kernel()))):
        folder = f"{where}/{number}"
        os.makedirs(folder)
        tree = commit(folder, *option, tar(folder, bare + members)).tree(BRANCH)
        found = [tree[path]["content"] for path in tree if path.endswith("/vmlinuz")]
        assert found == [wanted], (number, [path for path in tree if "modules" in path])
        assert not [path for path in tree if path.startswith("boot/")]
    two = [member("boot/vmlinuz-1", data=kernel(b"1")), member("boot/vmlinuz-2", data=kernel(b"2"))]
    refused(where, "kernel", "boot/vmlinuz-1, boot/vmlinuz-2", tar(where, bare + two))
    refused(where, "kernel", "3", "--kernel", "3", where + "/in.tar")


def board_files(where):
    """Device trees and a board's files are where libostree and the board look for them."""
    more = [member("boot/a.dtb", data=b"a"), member("boot/b.dtb", data=b"b"),
            member("boot/overlays/o.dtbo", data=b"o"), member("boot/boot.scr", data=b"s"),
            member("boot/uEnv.txt", data=b"x=1\n"), member("boot/grub/grub.cfg", data=b"g"),
            member("boot/initrd.img-" + RELEASE, data=b"i"), member("boot/config-1", data=b"c")]
    status, found = check(tar(where, BASE + more))
    assert status == 0, found
    assert found[("left-out", "boot")] == ["boot/grub", "boot/initrd.img-" + RELEASE], found
    tree = commit(where, where + "/in.tar").tree(BRANCH)
    for path, content in ((MODULES + "/dtb/a.dtb", b"a"), (MODULES + "/dtb/b.dtb", b"b"),
                          (MODULES + "/dtb/overlays/o.dtbo", b"o"), (MODULES + "/config", b"c"),
                          ("usr/lib/ostree-boot/boot.scr", b"s"),
                          ("usr/lib/ostree-boot/uEnv.txt", b"x=1\n")):
        assert tree[path]["content"] == content, path
    os.makedirs(where + "/one")
    tree = commit(where + "/one", tar(where, BASE + more[:1])).tree(BRANCH)
    assert tree[MODULES + "/devicetree"]["content"] == b"a"


def from_host(where):
    """An initramfs and a device tree of the host, and what cannot be one."""
    source = tar(where, BASE)
    tap.write(where + "/i", b"initramfs")
    tap.write(where + "/d", b"tree")
    tree = commit(where, "--initramfs", where + "/i", "--dtb", where + "/d", source).tree(BRANCH)
    assert tree[MODULES + "/initramfs.img"]["content"] == b"initramfs"
    assert tree[MODULES + "/devicetree"]["content"] == b"tree"
    os.makedirs(where + "/other/i")
    os.symlink(where + "/repo", where + "/other/repo2")
    for file, sentence in (("/none", "No such file"), ("/i", "not a regular file")):
        done = call("check", "--initramfs", where + "/other" + file, source)
        assert done.returncode == 1 and sentence in done.stderr.decode(), done


def own_initramfs(where):
    """--initramfs auto is an image of rootstock-mkinitramfs, or a sentence."""
    source = tar(where, BASE)
    # The program looks beside itself, then in PATH.
    found = dict(os.environ, PATH=os.path.dirname(MKINITRAMFS) + ":" + os.environ["PATH"])
    tree = commit(where, "--initramfs", "auto", source, env=found).tree(BRANCH)
    tap.write(where + "/image", tree[MODULES + "/initramfs.img"]["content"])
    listed = subprocess.run([MKINITRAMFS, "--list", where + "/image"], capture_output=True,
                            text=True, check=True).stdout
    assert " init\n" in listed, listed
    os.makedirs(where + "/other")
    # A module that no usual disk needs is written out for depmod, and is not in the image.
    tree = commit(where + "/other", "--initramfs", "auto", tar(where, BASE + [
        member(MODULES + "/kernel/any-disk.ko", data=PROGRAM),
        member(MODULES + "/build", LINK, target="/usr/src")], "more.tar"), env=found).tree(BRANCH)
    assert tree[MODULES + "/initramfs.img"]["content"] == tap.read(where + "/image")
    os.makedirs(where + "/none")
    for options, sentence in ((["--programs", where], "no rootstock-init"),
                              (["--module", "nosuchmodule"], "rootstock-mkinitramfs failed")):
        unreadable(where + "/none", sentence, "--initramfs", "auto", *options, source, env=found)
    assert check("--initramfs", "auto", source)[0] == 0


def more_of_boot(where):
    """Debian's device trees; one folder of them for each kernel; links; two of one name."""
    tree = commit(where, tar(where, BASE + [
        member("usr/lib/linux-image-" + RELEASE, FOLDER),
        member(f"usr/lib/linux-image-{RELEASE}/v/a.dtb", data=b"a"),
        member("boot/Image", LINK, target="vmlinuz-" + RELEASE),
        member("boot/System.map-1", data=b"m"),
        member("boot/boot.scr", data=b"new"), member("usr/lib/ostree-boot/boot.scr", data=b"old"),
        member(MODULES + "/config", data=b"old"), member("boot/config-1", data=b"new")])).tree(BRANCH)
    assert tree[MODULES + "/dtb/v/a.dtb"]["content"] == b"a"
    assert tree[MODULES + "/System.map"]["content"] == b"m"
    assert tree["usr/lib/ostree-boot/boot.scr"]["content"] == b"old"
    assert tree[MODULES + "/config"]["content"] == b"old"
    os.makedirs(where + "/dtbs")
    tree = commit(where + "/dtbs", tar(where, BASE + [
        member(f"boot/dtbs/{RELEASE}/a.dtb", data=b"a")])).tree(BRANCH)
    assert tree[MODULES + "/dtb/a.dtb"]["content"] == b"a"
    # Without usr/lib/modules, and without a release in its name.
    os.makedirs(where + "/bare")
    bare = [one for one in BASE if one[0].name not in (MODULES, "boot/vmlinuz-" + RELEASE)]
    tree = commit(where + "/bare", tar(where, bare + [member("boot/bzImage", data=kernel())]))
    assert "usr/lib/modules/unknown/vmlinuz" in tree.tree(BRANCH)


def arm_image():
    data = bytearray(0x400)
    data[0x38:0x3c] = b"ARM\x64"
    return bytes(data)


def other_architectures(where):
    """The programs are those for the tree's kernel, from --programs; without them a sentence."""
    members = [one for one in BASE if "vmlinuz" not in one[0].name and "ostree" not in one[0].name and
               "init" not in one[0].name]
    members += [member("boot/Image", data=arm_image()),
                member("usr/sbin/init", data=elf(183), mode=0o755)]
    # A file that is no program counts as none.
    tap.write(where + "/empty/ostree-prepare-root", b"x")
    empty = ["--programs", where + "/empty"]
    status, found = check(*empty, tar(where, members))
    assert status == 1 and ("no-boot", "programs") in found, found
    for place, magic, arch in ((0x24, b"\x18\x28\x6f\x01", "armhf"), (0x38, b"RSC\x05", "riscv64")):
        image = bytes(place) + magic + bytes(0x400)
        done = call("check", "--quiet", *empty, tar(where, members[:-2] + [
            member("boot/Image", data=image)], "other.tar"))
        assert f"none for {arch} was found".encode() in done.stdout, done
    for name in ("ostree-prepare-root", "ostree-uboot-generator", "rootstock-bls"):
        tap.write(f"{where}/programs/{name}", elf(183) + name.encode())
    tree = commit(where, "--programs", where + "/programs", where + "/in.tar").tree(BRANCH)
    for path in ("usr/lib/ostree/ostree-prepare-root", "usr/lib/ostree/ostree-uboot-generator",
                 "usr/bin/rootstock-bls"):
        assert tree[path]["content"].endswith(os.path.basename(path).encode())
        assert tree[path]["mode"] == 0o100755
    os.makedirs(where + "/grub")
    tap.write(where + "/programs/ostree-grub-generator", elf(183))
    tree = commit(where + "/grub", "--programs", where + "/programs", "--bootloader", "grub",
                  tar(where, members + [member("usr/lib/systemd/systemd", data=b"s")])).tree(BRANCH)
    for service in "ostree-finalize-staged", "rpm-ostreed":
        path = f"usr/lib/systemd/system/{service}.service.d/50-rootstock.conf"
        assert b"=/usr/lib/ostree/ostree-grub-generator\n" in tree[path]["content"]
    status, found = check(*empty, "--initramfs", where + "/in.tar", tar(where, members))
    assert status == 0 and ("warning", "programs") in found, found


def odd_layouts(where):
    """What the rules refuse or complete."""
    for number, (more, kind, rule) in enumerate((
            ([member("usr/etc/x")] + [member("etc/y")], "refused", "etc"),
            ([member("tmp", LINK, target="var/tmp")], "left-out", "runtime"),
            ([member("usr/share/factory/var/x"), member("var/y")], "refused", "var"),
            ([member("var/lib/a\nb/x")], "lost", "var"),
            ([member("usr/lib/a", FOLDER), member("usr/lib/a")], "refused", "type"),
            ([member("usr/lib/a"), member("usr/lib/a", FOLDER)], "refused", "type"),
            ([member("usr/sbin/init", data=b"x", mode=0o644)], "no-boot", "init"),
            ([member("usr/sbin/init", LINK, target="init")], "no-boot", "init"),
            ([member("usr/sbin/init", LINK, target="../lib/./none")], "no-boot", "init"),
            ([member("usr/sbin/init", LINK, target="/etc/init"), member("etc/init", data=PROGRAM)],
             "no-boot", "init"),
            ([member("usr/lib/f"), member("usr/lib/f/d", FOLDER)], "refused", "type"),
            ([member("usr/lib", data=b"f")], "refused", "type"),
            ([member("usr/share", data=b"f"), member("var/x")], "refused", "var"),
            ([member("usr/lib/x", HARD, target="home/u")], "refused", "hard-link"))):
        _, found = check(tar(where, BASE + more))
        assert (kind, rule) in found, (number, found)
    bare = [one for one in BASE if one[0].name != "etc/os-release"]
    _, found = check(tar(where, bare))
    assert found[("made", "os-release")] == ["usr/lib/os-release"], found
    status, found = check("--without", "home", "--without", "cache", tar(where, BASE + [
        member("home/u/x", data=b"x"), member("var/cache/x", data=b"x")]))
    assert status == 0 and ("moved", "home") not in found and ("left-out", "cache") not in found


def odd_tars(where):
    """ACLs of directories and by name, owners that do not exist, and a link to itself."""
    default = {"SCHILY.acl.default": "user::rwx,group::r-x,group:7:r--,mask::r-x,other::---"}
    tree = commit(where, tar(where, BASE + [
        member("usr/lib/d", FOLDER, headers=default), member("usr/lib/s", data=b"s"),
        member("usr/lib/s", HARD, target="usr/lib/s")])).tree(BRANCH)
    assert tree["usr/lib/d"]["xattrs"]["system.posix_acl_default"][:4] == b"\2\0\0\0"
    assert tree["usr/lib/s"]["content"] == b"s"
    os.makedirs(where + "/other")
    unreadable(where + "/other", "--numeric-owner", tar(where, BASE + [member(
        "usr/lib/a", headers={"SCHILY.acl.access": "user::rw-,user:nosuchuser:r--,group::r--,"
                                                   "mask::r--,other::---"})]))
    unreadable(where + "/other", "a number that no system has", tar(where, BASE + [
        member("usr/lib/a", uid=1 << 33)]))
    os.mkfifo(where + "/fifo")
    os.makedirs(where + "/tree/usr")
    os.mkfifo(where + "/tree/usr/fifo")
    _, found = check(where + "/tree")
    assert found[("refused", "type")] == ["usr/fifo"], found
    unreadable(where + "/other", "no directory, tar or disk image", "/dev/null")


def not_readable(where):
    """What the caller may not read is named."""
    nobody = [] if os.getuid() else ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    os.chmod(where, 0o755)
    # The build folder may be one that nobody can enter.
    shutil.copy(IMAGE, where + "/image")
    for number, path in enumerate(("usr/file", "usr/folder/x")):
        top = f"{where}/{number}"
        tap.write(f"{top}/{path}", b"x")
        hidden = f"{top}/{path}".removesuffix("/x")
        os.chmod(hidden, 0)
        done = subprocess.run([*nobody, where + "/image", "check", "--quiet", top], capture_output=True,
                              text=True, check=False)
        os.chmod(hidden, 0o700)
        assert done.returncode == 1 and path.removesuffix("/x") in done.stderr and (
            "Permission denied" in done.stderr), done


def repositories(where):
    """What is no repository, or none for this; times; and what a delta needs."""
    source = tar(where, BASE)
    os.makedirs(where + "/bare")
    subprocess.run(["ostree", f"--repo={where}/bare", "init", "--mode=bare"], check=True)
    tap.write(where + "/file", b"x")
    for repo, sentence in (("/bare", "mode archive"), ("/file", "Not a directory"),
                           ("/none/none", "No such file")):
        done = call("commit", "--quiet", "--repo", where + repo, source)
        assert done.returncode == 1 and sentence in done.stderr.decode(), done
    for options, sentence in ((["--metadata", where + "/none"], "No such file"),
                              (["--gpg-sign", "00000000", "--gpg-homedir", where], "")):
        done = call("commit", "--quiet", "--repo", where + "/repo", *options, source)
        assert done.returncode == 1 and sentence in done.stderr.decode(), done
        assert not Repo(where + "/repo").has(BRANCH)
    done = call("commit", "--quiet", "--repo", where + "/repo", source,
                env=dict(os.environ, SOURCE_DATE_EPOCH="now"))
    assert done.returncode == 1 and b"SOURCE_DATE_EPOCH=now" in done.stderr, done
    repo = commit(where, source, env=dict(os.environ, SOURCE_DATE_EPOCH="5"))
    assert repo.commit(BRANCH)[5].to_bytes(8, "little") == (5).to_bytes(8, "big")
    for options, sentence in (([], "--from none"), (["--from", "x"], "x"),
                              (["--branch", "y"], "y"), (["--from", "none", "-o", "/none/x"], "/none"),
                              (["extra"], "extra")):
        done = call("delta", "--repo", where + "/repo", *options)
        assert done.returncode and sentence in done.stderr.decode(), (options, done)
    assert call("delta", "--repo", where + "/repo", "--from", "none").returncode == 0
    first = repo.ref(BRANCH)
    commit(where, source)
    assert call("delta", "--repo", where + "/repo", "--from", first).returncode == 0
    # What is larger than 4 MiB needs room in TMPDIR.
    done = call("check", tar(where, BASE + [member("usr/lib/x", data=bytes(5 << 20))], "big.tar"),
                env=dict(os.environ, TMPDIR="/none"))
    assert done.returncode == 1 and b"/none: cannot make a temporary file" in done.stderr, done
    for options, sentence in ((["--port", "x"], "65535"), ([], "no repository")):
        done = call("serve", "--repo", where + "/none", *options)
        assert done.returncode and sentence in done.stderr.decode(), done


def progress(where):
    """On a terminal one line says how far it is, and is removed in the end."""
    source = tar(where, BASE + [member(f"usr/lib/{number}", data=bytes(4 << 20))
                                for number in range(60)])
    master, slave = os.openpty()
    child = subprocess.Popen([IMAGE, "check", source], stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    said = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        said += part
    assert child.wait() == 0
    os.close(master)
    assert b" files, " in said and said.endswith(b"\r\x1b[K"), said


def identity(where):
    """No identity of a machine, and no line of fstab for another disk."""
    lines = b"# x\n/dev/sda1 / ext4 defaults 0 1\n/dev/sda2\t/boot ext4 ro\n/dev/sda3 /data ext4 ro\n"
    more = [member("etc/machine-id", data=b"0123\n"), member("etc/fstab", data=lines),
            member("etc/ssh/ssh_host_rsa_key.pub", data=b"ssh-rsa x\n")]
    tree = commit(where, tar(where, BASE + more)).tree(BRANCH)
    assert tree["usr/etc/machine-id"]["content"] == b""
    assert tree["usr/etc/fstab"]["content"] == lines.replace(b"/dev/sda1", b"# /dev/sda1").replace(
        b"/dev/sda2", b"# /dev/sda2")
    assert not [path for path in tree if "ssh_host" in path]


PEM = (b"-----BEGIN %sPRIVATE KEY-----\n" + b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ\n" * 3 +
       b"-----END %sPRIVATE KEY-----\n")
SECRETS = {"RSA": PEM % (b"RSA ", b"RSA "), "PKCS8": PEM % (b"", b""),
           "after text": b"Bag Attributes\n" + PEM % (b"", b""),
           "OpenSSH": PEM % (b"OPENSSH ", b"OPENSSH "),
           "DER": bytes.fromhex("308204bd020100300d06092a864886f70d0101010500048204a7") + bytes(99),
           "PKCS12": bytes.fromhex("30820aa20201033082") + bytes(99),
           "OpenPGP, one byte of length": bytes.fromhex("94600460000000") + bytes(99),
           "OpenPGP, new format": bytes.fromhex("c5600460000000") + bytes(99),
           "OpenPGP, new format, two bytes": bytes.fromhex("c5c0010460000000") + bytes(99),
           "OpenPGP": bytes.fromhex("9503c604600000000108") + bytes(99),
           "gpg-agent": b"Created: x\nKey: (protected-private-key (rsa (n #00#))) " + bytes(9),
           "Dropbear": b"\0\0\0\7ssh-rsa" + bytes(99)}
# What a system without a secret has.
PUBLIC = [PEM.replace(b"PRIVATE", b"PUBLIC") % (b"", b""), b"-----BEGIN OPENSSH PRIVATE KEY-----\n",
          PROGRAM + b"\0-----BEGIN RSA PRIVATE KEY-----\n\0x", b"see -----BEGIN PRIVATE KEY-----\nMII" +
          b"x" * 99, b"ssh-rsa AAAA x\n", b"-----BEGIN PRIVATE KEY-----\nis the first line\n", b"", b"\x94\x60\x04\x60",
          b"\0\0\0\7ssh-rsa", b"\0\0\0\7ssh-key" + bytes(99), b"\xc5" + bytes(99)]


def keys(where):
    for number, (name, data) in enumerate(SECRETS.items()):
        folder = f"{where}/{number}"
        os.makedirs(folder)
        refused(folder, "key", "etc/k", tar(folder, BASE + [member("etc/k", data=data)]))
        tree = commit(folder, "--allow-key", "etc/k", folder + "/in.tar").tree(BRANCH)
        assert tree["usr/etc/k"]["content"] == data, name
    os.makedirs(where + "/public")
    commit(where + "/public", tar(where, BASE + [
        member(f"etc/{number}", data=data) for number, data in enumerate(PUBLIC)]))


def hostile(where):
    """Names that lead out, and what a commit cannot have."""
    bad = [("../x", "could lead out"), ("a/../../x", "could lead out"), ("a//../x", "could lead out")]
    for name, sentence in bad:
        unreadable(where, sentence, tar(where, BASE + [member(name)]))
    raw = tar(where, BASE + [member("usr/lib/\udcff\udcfe")])
    unreadable(where, "UTF-8", raw)
    unreadable(where, "UTF-8", tar(where, BASE + [member("usr/lib/x", HARD, target="\udcff")]))
    for number, (kind, name) in enumerate((
            (tarfile.CHRTYPE, "usr/lib/x"), (tarfile.BLKTYPE, "etc/x"),
            (tarfile.FIFOTYPE, "var/lib/x"))):
        os.makedirs(f"{where}/{number}")
        refused(f"{where}/{number}", "type", name, tar(where, BASE + [member(name, kind)]))
    refused(where, "hard-link", "usr/lib/x", tar(where, BASE + [
        member("usr/lib/x", HARD, target="usr/lib/none")]))
    refused(where, "type", "usr/lib/f/x", tar(where, BASE + [
        member("usr/lib/f", data=b"f"), member("usr/lib/f/x")]))
    # A link cannot lead a file out of the tree; it stays inside it.
    repo = commit(where, tar(where, BASE + [member("usr/lib/l", LINK, target="../../../../etc2"),
                                            member("etc2", FOLDER), member("usr/lib/l/x")]))
    assert "etc2/x" in repo.tree(BRANCH)
    # Nodes in dev are made at boot.
    status, _ = check(tar(where, BASE + [member("dev/null", tarfile.CHRTYPE)]))
    assert status == 0
    # An absolute name is one in the tree.
    os.makedirs(where + "/absolute")
    assert "usr/lib/x" in commit(where + "/absolute", tar(
        where, BASE + [member("/usr/lib/x")])).tree(BRANCH)


def cut(where):
    """A tar that ends too early, or is damaged, gives no commit."""
    whole = tap.read(tar(where, BASE + NASTY, pack=gzip.compress))
    for number in range(1, 20):
        tap.write(where + "/cut", whole[:len(whole) * number // 20])
        unreadable(where, "", where + "/cut")
    plain = tap.read(tar(where, BASE + NASTY))
    for number in range(1, 20):
        tap.write(where + "/cut", plain[:len(plain) * number // 20 - 700])
        unreadable(where, "", where + "/cut")
    tap.write(where + "/text", b"hello\n" * 99)
    unreadable(where, "cannot be read as a tar", where + "/text")
    tap.write(where + "/none", b"")
    unreadable(where, "", where + "/none")
    unreadable(where, "No such file", where + "/gone")


def full(where):
    """A full disk in the middle: one sentence, and the repository is as before."""
    big = [member(f"usr/lib/{number}", data=random.Random(number).randbytes(1 << 20))
           for number in range(20)]
    source = tar(where, BASE + big)
    commit(where, tar(where, BASE, "small.tar"))
    before = Repo(where + "/repo").ref(BRANCH)
    done = subprocess.run(["sh", "-c", f'ulimit -f 1000; exec "$0" "$@"', IMAGE, "commit", "--quiet",
                           "--repo", where + "/repo", source], capture_output=True, check=False)
    assert done.returncode != 0, done
    assert Repo(where + "/repo").ref(BRANCH) == before
    fsck(where)


def without_boot(where):
    """What would not boot is named, and committed only if that was asked for."""
    for number, (name, rule) in enumerate((("boot/vmlinuz-" + RELEASE, "kernel"),
                                           ("usr/sbin/init", "init"), ("etc", "etc"))):
        members = [one for one in BASE if not one[0].name.startswith(name)]
        status, found = check(tar(where, members))
        assert status == 1 and ("no-boot", rule) in found, (name, found)
        done = call("commit", "--quiet", "--repo", where + "/repo", where + "/in.tar")
        assert done.returncode == 1, done
        if number == 0:
            os.makedirs(where + "/other")
            commit(where + "/other", "--allow-no-boot", where + "/in.tar")
    arm = [one for one in BASE if one[0].name != "usr/sbin/init"]
    status, found = check(tar(where, arm + [member("usr/sbin/init", data=elf(183), mode=0o755)]))
    assert status == 1 and ("no-boot", "init") in found, found


def versions(where):
    """Each commit has a parent, a version and a time after its parent's; metadata and arguments."""
    source = tar(where, BASE)
    tap.write(where + "/m.json", b'{"a": 1}')
    repo = commit(where, "--karg", "quiet", "--karg", "a=b c", "--metadata", where + "/m.json",
                  source)
    first = repo.ref(BRANCH)
    commit(where, source)
    commit(where, "--release", "2026-11", source)
    for wanted in ("2026-11", "2", "1"):
        def value(key, rev=repo.ref(BRANCH) if wanted == "2026-11" else None):
            return subprocess.run(["ostree", f"--repo={where}/repo", "show", f"--print-metadata-key={key}",
                                   rev], capture_output=True, text=True, check=False).stdout.strip()
        revision = BRANCH + "^" * ("2026-11", "2", "1").index(wanted)
        assert value("version", revision) == f"'{wanted}'", wanted
        assert value("ostree.linux", revision) == f"'{RELEASE}'"
        assert value("ostree.bootable", revision) == "true"
    assert value("rootstock.metadata", first) == "'{\"a\": 1}'"
    assert value("rootstock.kargs", first) == "['quiet', 'a=b c']"
    third = repo.commit(BRANCH)
    assert third[1].hex() != first and third[5] > 0


# Owners need a user namespace, unless this is root.
AS_ROOT = [] if os.getuid() == 0 else ["unshare", "-r", "--map-auto"]


def run(*words, **more):
    done = subprocess.run([*AS_ROOT, *words], capture_output=True, text=True, check=False, **more)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


def deployed(where):
    """libostree deploys the commit, our generator makes the menu, and rootstock-bls finds nothing."""
    generator, root = tap.BUILD + "/ostree-grub-generator", where + "/root"
    commit(where, "--karg", "quiet", tar(where, BASE))
    os.makedirs(root)
    run("ostree", "admin", "init-fs", root)
    run("ostree", f"--repo={root}/ostree/repo", "config", "set", "sysroot.bootloader", "grub2")
    run("ostree", "admin", "os-init", "--sysroot=" + root, "os")
    run("ostree", f"--repo={root}/ostree/repo", "pull-local", where + "/repo", BRANCH)
    run("ostree", "admin", "deploy", "--sysroot=" + root, "--os=os", "--karg=root=PARTUUID=1-02",
        "--karg=panic=10", BRANCH, env=dict(os.environ, OSTREE_GRUB2_EXEC=generator,
                                           OSTREE_SYSROOT_DEBUG="mutable-deployments"))
    found = json.loads(run(tap.BUILD + "/rootstock-bls", "check", "--json", "--root", root))
    assert not found["findings"] and [one["boots"] for one in found["entries"]] == [True], found
    run("ostree", f"--repo={root}/ostree/repo", "fsck")
    run("chmod", "-R", "u+rwX", root)


VAR = [member("var/lib/app", FOLDER, mode=0o750, uid=33, gid=33),
       member("var/lib/app/db", data=b"db", mode=0o640, uid=33, gid=34),
       member("var/lib/odd %b \"q\" 'x' \\ \u00e9", data=b"odd"),
       member("var/lib/link", LINK, target="../lib/a %b \\ \"c"), member("home/u", FOLDER, mode=0o700),
       member("usr/lib/systemd/systemd", data=PROGRAM, mode=0o755)]


def filled_var(where):
    """systemd-tmpfiles makes /var of an updated device as the source had it, and keeps changes."""
    if not shutil.which("systemd-tmpfiles"):
        raise tap.Skip("there is no systemd-tmpfiles")
    tree, root = commit(where, tar(where, BASE + VAR)).tree(BRANCH), where + "/root"
    os.makedirs(root + "/var/lib/app")
    tap.write(root + "/var/lib/app/db", b"kept")
    for path, found in tree.items():
        if path.startswith("usr/share/factory/var/"):
            if found["mode"] >> 12 == 4:
                os.makedirs(f"{root}/{path}", exist_ok=True)
            elif not found["target"]:
                tap.write(f"{root}/{path}", found["content"])
    tap.write(root + "/etc/passwd", b"root:x:0:0::/:/bin/sh\n")
    lines = tree["usr/lib/tmpfiles.d/zz-rootstock-var.conf"]["content"]
    tap.write(root + "/usr/lib/tmpfiles.d/zz-rootstock-var.conf", lines)
    for _ in range(2):
        run("systemd-tmpfiles", "--root=" + root, "--create", "zz-rootstock-var.conf")
    assert tap.read(root + "/var/lib/app/db") == b"kept"
    made = os.stat(root + "/var/lib/app")
    assert made.st_mode & 0o7777 == 0o750 and (os.getuid() or made.st_uid == 33)
    assert tap.read(root + "/var/lib/odd %b \"q\" 'x' \\ \u00e9") == b"odd"
    assert os.readlink(root + "/var/lib/link") == "../lib/a %b \\ \"c"
    assert os.stat(root + "/var/home/u").st_mode & 0o777 == 0o700
    assert os.path.isdir(root + "/var/usrlocal")
    run("rm", "-rf", root)


def gpg(where):
    """A new key; returns the options for it."""
    home = where + "/gnupg"
    os.makedirs(home, mode=0o700)
    done = subprocess.run(["gpg", "--homedir", home, "--batch", "--passphrase", "", "--quick-gen-key",
                           "test@example.org", "ed25519"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run(["gpg", "--homedir", home, "--with-colons", "--list-keys"],
                            capture_output=True, text=True, check=True).stdout
    return ["--gpg-homedir", home, "--gpg-sign",
            next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))]


def wait_for(port):
    """Waits until a server listens."""
    end = time.monotonic() + limit(30)
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except ConnectionRefusedError:
            assert time.monotonic() < end, "no server"
            time.sleep(0.1)


def signed_updates(where):
    """A device that verifies takes a signed commit by a delta and by a file, and refuses others."""
    if not shutil.which("gpg"):
        raise tap.Skip("there is no gpg")
    key, device = gpg(where), where + "/device"
    big = random.Random(1).randbytes(1 << 20)
    commit(where, *key, tar(where, BASE + [member("usr/lib/big", data=big)]))
    first = Repo(where + "/repo").ref(BRANCH)
    commit(where, *key, tar(where, BASE + [member("usr/lib/big", data=big[:-1] + b"!")]))
    second = Repo(where + "/repo").ref(BRANCH)
    done = call("delta", "--repo", where + "/repo", "-o", where + "/update")
    assert done.returncode == 0 and os.path.getsize(where + "/update") < 100000, done
    assert call("delta", "--repo", where + "/repo", "--no-bsdiff", *key).returncode == 0
    assert os.path.isdir(where + "/repo/deltas") and os.path.exists(where + "/repo/summary.sig")
    with open(where + "/key", "wb") as out:
        subprocess.run(["gpg", "--homedir", key[1], "--export"], check=True, stdout=out)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([IMAGE, "serve", "--repo", where + "/repo", "--port", str(port)],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout.readline() == f"http://127.0.0.1:{port}\n".encode()
        wait_for(port)

        def ostree(*words, good=True):
            done = subprocess.run(["ostree", "--repo=" + device, *words], capture_output=True,
                                  check=False)
            assert (done.returncode == 0) is good, (words, done)
            return done.stderr
        os.makedirs(device)
        ostree("init", "--mode=bare-user")
        ostree("remote", "add", "--gpg-import=" + where + "/key", "--set=gpg-verify-summary=true",
               "factory", f"http://127.0.0.1:{port}")
        ostree("pull", "factory", BRANCH + "@" + first)
        ostree("static-delta", "apply-offline", where + "/update")
        ostree("show", second)
        ostree("pull", "factory", BRANCH)
        ostree("fsck")
        commit(where, tar(where, BASE))
        assert b"GPG" in ostree("pull", "factory", BRANCH, good=False)
    finally:
        server.terminate()
        server.wait()
        subprocess.run(["gpgconf", "--homedir", key[1], "--kill", "all"], check=False)


def interrupted(where):
    """^C in the middle: no commit, nothing in TMPDIR, and the signal ends the program."""
    source = tar(where, BASE + [member(f"usr/lib/{number}", data=bytes([number]) * (5 << 20))
                                for number in range(4)])
    data = tap.read(source)
    os.makedirs(where + "/tmp")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        child = subprocess.Popen([IMAGE, "commit", "--quiet", "--repo", where + "/repo", "-"],
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL,
                                 env=dict(os.environ, TMPDIR=where + "/tmp"))
        child.stdin.write(data[:len(data) // 2])
        child.stdin.flush()
        # Now it has read, or waits for, what does not come.
        child.send_signal(number)
        child.wait(timeout=limit(60))
        said = child.stderr.read()
        assert child.returncode == -number and said == b"rootstock-image: interrupted\n", (
            child.returncode, said)
        child.stdin.close()
        child.stderr.close()
        assert not Repo(where + "/repo").has(BRANCH) and not os.listdir(where + "/tmp")
    commit(where, source)


def accounts(where):
    """A user with another number than in the commit before is refused."""
    first = BASE + [member("etc/passwd", data=b"root:x:0:0::/:\napp:x:900:900::/:\n"),
                    member("etc/group", data=b"app:x:900:\nold:x:5:\n")]
    commit(where, tar(where, first))
    commit(where, tar(where, first[:-2] + [
        member("etc/passwd", data=b"new:x:7:7::/:\napp:x:900:900::/:\nroot:x:0:0::/:\n")]))
    other = tar(where, BASE + [member("etc/passwd", data=b"app:x:901:900::/:\n")])
    before = Repo(where + "/repo").ref(BRANCH)
    done = call("commit", "--quiet", "--repo", where + "/repo", other)
    assert done.returncode == 1 and b"app has the number 901, and had 900" in done.stdout, done
    assert Repo(where + "/repo").ref(BRANCH) == before
    commit(where, "--allow-id-changes", other)


def usage(where):
    for words, sentence in (((), "no command"), (("chek", "x"), "did you mean check"),
                            (("check",), "no SOURCE"), (("commit", "x"), "--repo"),
                            (("check", "--without", "etc", "x"), "etc"),
                            (("check", "--frob", "x"), "--frob"),
                            (("check", "--bootloader", "lilo", "x"), "lilo")):
        done = call(*words)
        assert done.returncode == 2 and sentence in done.stderr.decode(), (words, done)
    assert call("--version").stdout.startswith(b"rootstock-image ")
    assert b"SOURCE" in call("--help").stdout
    shutil.rmtree(where)


sys.exit(tap.main([
    ("everything that a file can be", everything), ("each form of a tar", packed),
    ("a directory", from_directory), ("any order", any_order), ("several sources", layers),
    ("a tree without a merged /usr", unmerged), ("kernels", kernels),
    ("a board's files", board_files), ("files of the host", from_host),
    ("an initramfs of our own", own_initramfs), ("more of /boot", more_of_boot), ("other architectures", other_architectures),
    ("what is not readable", not_readable), ("odd layouts", odd_layouts), ("odd tars", odd_tars), ("repositories", repositories),
    ("progress", progress), ("no identity", identity), ("private keys", keys),
    ("hostile sources", hostile), ("cut and damaged sources", cut), ("a full disk", full),
    ("what would not boot", without_boot), ("versions and metadata", versions),
    ("deployed by libostree", deployed), ("what fills /var", filled_var),
    ("interrupted", interrupted), ("signed updates", signed_updates), ("numbers of users", accounts), ("the command line", usage)]))
