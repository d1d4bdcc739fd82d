#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Whole Debians as sources of rootstock-image: everything in the tar is in the commit as it was, by a
reader that is not libostree; made by nobody; and in a bounded amount of memory."""
import os
import re
import shutil
import subprocess
import sys
import tarfile

from rig import cells
from rig.disk import debian
from rig.host import kernels
from testlib import tap
from testlib.ostreerepo import Repo

MKINITRAMFS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "../../initramfs/rootstock-mkinitramfs")
PROGRAMS = [MKINITRAMFS] + [os.path.join(tap.BUILD, name) for name in (
    "rootstock-image", "rootstock-init", "ostree-prepare-root", "ostree-grub-generator",
    "rootstock-bls")]
BRANCH = "rootstock/main"
# What is left out, and what moves, in the order in which it is looked for.
GONE = re.compile(r"(dev|proc|sys|run|tmp|media|var/run|var/lock|var/tmp)/.|media$|bin$|sbin$|lib\w*$"
                  r"|boot(/|$)|vmlinuz|initrd|var/run$|var/lock$|etc/ssh/ssh_host_")
GONE_FILES = re.compile(r"var/(cache|log)/.")
MOVES = [(re.compile(pattern), target) for pattern, target in (
    ("etc(?=/|$)", "usr/etc"), ("root(?=/|$)", "usr/share/factory/var/roothome"),
    ("usr/local(?=/|$)", "usr/share/factory/var/usrlocal"),
    ("(home|opt|srv|mnt)(?=/|$)", r"usr/share/factory/var/\1"),
    ("var/", "usr/share/factory/var/"), ("(bin|sbin|lib|lib32|lib64|libx32)/", r"usr/\1/"))]
# These are changed on purpose.
CHANGED = ("usr/etc/machine-id", "usr/etc/fstab")
MEMORY = 100 << 20
# A small process starts the program, whose size counts from the beginning. Prints bytes.
MEASURE = """import os, subprocess, sys
_, status, usage = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
print(usage.ru_maxrss << 10)
sys.exit(status != 0)"""


def sources(machine):
    """The tar of a userland, and the folders of its kernel's packages."""
    kind = cells.machine(os.path.join(os.path.dirname(cells.__file__),
                                      f"../machines/{machine}.ini"))
    return debian.userland(kind), kernels.unpacked(kind)


def destination(path):
    for pattern, target in MOVES:
        if pattern.match(path):
            return pattern.sub(target, path, count=1)
    return path


def compare(tree, archive):
    """Counts the members that are in the tree, each of which must be there as it was."""
    count = 0
    with tarfile.open(archive) as members:
        for one in members:
            path = one.name.removeprefix("./").rstrip("/")
            if path in ("", ".", "var") or GONE.match(path) or (
                    GONE_FILES.match(path) and not one.isdir()):
                continue
            found = tree[destination(path)]
            wanted = one.mode if not one.issym() else 0o777
            assert (found["mode"] & 0o7777, found["uid"], found["gid"]) == (
                wanted, one.uid, one.gid), (path, found)
            if one.isreg() and destination(path) not in CHANGED:
                assert found["content"] == members.extractfile(one).read(), path
            elif one.issym() and found["target"] != one.linkname:
                assert found["target"].startswith("/"), (path, found["target"], one.linkname)
            elif one.islnk():
                assert found["content"] == tree[destination(
                    one.linkname.removeprefix("./"))]["content"], path
            attributes = {name.removeprefix("SCHILY.xattr.") for name in one.pax_headers
                          if name.startswith("SCHILY.xattr.")}
            assert set(found["xattrs"]) == attributes, (path, found["xattrs"])
            count += 1
    return count


def whole(machine):
    def test(where):
        archive, packages = sources(machine)
        os.chmod(where, 0o777)
        shutil.copy(archive, where + "/userland.tar")
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if not os.getuid() else []
        # The build folder may be one that nobody can enter.
        os.makedirs(where + "/bin")
        for file in PROGRAMS:
            shutil.copy(file, where + "/bin")
        # The packages lie in a folder of the caller; nobody gets them as a tar.
        for number, folder in enumerate(packages):
            subprocess.run(["tar", "--owner=0", "--group=0", "-C", folder, "-cf",
                            f"{where}/{number}.tar", "."], check=True)
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *nobody, where + "/bin/rootstock-image", "commit",
             "--quiet", "--initramfs", "auto", "--repo", where + "/repo",
             where + "/userland.tar"] +
            [f"{where}/{number}.tar" for number in range(len(packages))],
            capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)
        most = int(done.stdout.splitlines()[-1])
        assert most < MEMORY, most
        tree = Repo(where + "/repo").tree(BRANCH)
        count = compare(tree, where + "/userland.tar")
        assert count > 4000, count
        image, = (path for path in tree if path.endswith("/initramfs.img"))
        tap.write(where + "/image", tree[image]["content"])
        listed = subprocess.run([MKINITRAMFS, "--list", where + "/image"], capture_output=True,
                                text=True, check=True).stdout
        # Debian's cloud kernels have nvme and ext4 built in, and this one not.
        assert "virtio_blk.ko" in listed and " init\n" in listed, listed
        print(f"# {machine}: {count} entries are as they were, {most >> 20} MiB")
        fsck = subprocess.run(["ostree", f"--repo={where}/repo", "fsck", "-q"], capture_output=True,
                              check=False)
        assert fsck.returncode == 0, fsck.stderr
    return test


TESTS = [("Debian 12", whole("x86-direct")), ("Debian 13", whole("x86-trixie"))]
if not shutil.which("mmdebstrap"):
    TESTS = tap.skipped(TESTS, "there is no mmdebstrap")
sys.exit(tap.main(TESTS))
