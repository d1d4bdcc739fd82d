# SPDX-License-Identifier: LGPL-2.1-or-later
"""A complete Debian with systemd as a tree for libostree. mmdebstrap makes the userland once, in
the user's cache; it is turned into a tree as every distribution on OSTree does it."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

from rig.disk import disk, sysroot
from rig.host import kernels
from rig.host.kernels import HERE

PACKAGES = """cron dbus e2fsprogs kmod libpam-systemd ostree-boot procps systemd systemd-sysv
    udev""".split()
OPTIONS = ["--variant=minbase", "--include=" + ",".join(PACKAGES), "--format=tar"] + [
    f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "locale", "man")]
# The program that judges the boot, and its unit, which multi-user.target wants.
JUDGE = "usr/lib/rootstock-judge"
UNIT = "usr/lib/systemd/system/rootstock-judge.service"
SERVICE = os.path.join(HERE, "guest/userland.service")
# The size of the root file system in MiB, and the factor by which a boot is slower than the
# probe's.
SIZE = 1024
TIME_FACTOR = 5
# Makes a tree of the userland in the current directory; $1 is the version. Nothing in /var is
# deployed: systemd-tmpfiles makes what is missing, without those of its files that do not expect
# links to /var. The first boot gives the machine its ID. The timers of apt and dpkg are disabled.
SCRIPT = """
rm -rf var run home root opt mnt srv media etc/hostname etc/resolv.conf \\
	etc/systemd/system/timers.target.wants/apt-* etc/systemd/system/timers.target.wants/dpkg-* \\
	usr/lib/tmpfiles.d/home.conf usr/lib/tmpfiles.d/provision.conf
mkdir -p var run dev sysroot usr/lib/modules usr/lib/systemd/system/multi-user.target.wants
: >etc/machine-id
echo demo >etc/hostname
sed -i 's/^root:[^:]*/root:/' etc/shadow
sed -i "s/^VERSION=.*/VERSION=$1/" usr/lib/os-release
ln -s ../rootstock-judge.service usr/lib/systemd/system/multi-user.target.wants/
for name in home opt mnt srv; do
	echo "d /var/$name 0755 - - -"
done >usr/lib/tmpfiles.d/0-ostree.conf
echo "d /var/roothome 0700 - - -" >>usr/lib/tmpfiles.d/0-ostree.conf
mv etc usr/etc
"""


def lagging():
    """Options with apt's setting for outdated mirrors, which mmdebstrap does not read itself."""
    dumped = subprocess.run(["apt-config", "dump", "Acquire::Check-Valid-Until"], check=True,
                            text=True, stdout=subprocess.PIPE).stdout
    return ["--aptopt=" + line for line in dumped.splitlines()]


def mmdebstrap(options, release, sources, out):
    """Makes the archive `out` of packages of the release, from the mirror in the file `sources`.

    The archive has files of many owners. An ordinary user needs the IDs of /etc/subuid for that.
    """
    words = (["unshare", "--mount", "mmdebstrap", "--mode=root"] if os.geteuid() == 0 else
             ["mmdebstrap", "--mode=unshare"]) + options + lagging() + [release, out, sources]
    print(f"Unpacking Debian {release}, once: two minutes and the network ...",
          file=sys.stderr)
    with tempfile.TemporaryFile("w+") as log, subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            if disk.stop.wait(0.2):
                process.terminate()
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"no packages of Debian {release}: mmdebstrap: {log.read()[-2000:]}")


def userland(machine):
    """The path of an archive with the userland, of the same release as the machine's kernel.

    An archive is kept and used again, as in build-aux/debs; remove it to get a newer one.
    """
    release, folder = machine["kernel"].split()[0], os.path.dirname(kernels.unpacked(machine)[0])
    key = hashlib.sha256(repr(OPTIONS).encode()).hexdigest()[:16]
    path = os.path.join(folder, f"userland@{key}.tar")
    if not os.path.exists(path):
        with tempfile.TemporaryDirectory(prefix="new.", dir=folder) as work:
            made = os.path.join(work, "userland.tar")
            mmdebstrap(OPTIONS, release, os.path.join(folder, "apt/sources.list"), made)
            os.rename(made, path)
    return path


def make_tree(tree, files, version, machine):
    """Makes a tree of the machine's userland, its kernel's modules, and `files` {path in the tree:
    path here}, all owned by root."""
    archive = userland(machine)
    os.makedirs(tree)
    disk.run(["tar", "--no-same-owner", "-xpf", archive, "--exclude=./dev/*"], cwd=tree)
    disk.run(["sh", "-euc", SCRIPT, "sh", version], cwd=tree)
    for name, target in sysroot.LINKS.items():
        if not os.path.lexists(os.path.join(tree, name)):
            os.symlink(target, os.path.join(tree, name))
    with tempfile.TemporaryDirectory(dir=os.path.dirname(tree)) as work:
        disk.run(["cp", "-rL", kernels.modules(machine, work),
                  os.path.join(tree, "usr/lib/modules")])
    for target, source in files.items():
        os.makedirs(os.path.dirname(os.path.join(tree, target)), exist_ok=True)
        shutil.copy(source, os.path.join(tree, target))


def maker(machine):
    """(make_tree() for the machine, the name of the archive from which it makes trees)."""
    return (functools.partial(make_tree, machine=machine), os.path.basename(userland(machine)))
