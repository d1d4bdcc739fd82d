# SPDX-License-Identifier: LGPL-2.1-or-later
"""Images of other initramfs systems, with ostree-prepare-root in them.

The host's own tools make them in a mount namespace. There an overlay on /usr has our files where
`make install` puts them, and the modules of the unpacked kernel. The host's configuration is
neither read nor changed, and no root is needed. """

import os
import shutil
import subprocess

from rig.disk import disk
from rig.disk.image import digest, lock, replace
from rig.host.kernels import HERE

INITRAMFS = os.path.join(os.path.dirname(HERE), "initramfs")
# The drivers of the machines' disks, which are included if they are modules.
DRIVERS = ("nvme", "virtio_pci", "virtio_blk", "virtio_scsi", "ahci", "sd_mod", "ext4")
DRACUT = ["dracut", "--force", "--reproducible", "--no-hostonly", "--no-early-microcode",
          "--conf", "dracut.conf", "--confdir", "nothing", "--tmpdir", ".", "--compress", "lz4 -l",
          # No machine needs these, and the host decides which of them exist.
          "--omit", "btrfs crypt dm lunmask nvdimm overlay-root qemu resume virtiofs"]
# Packages whose new versions make new images necessary.
PACKAGES = ["busybox-static", "dracut-core", "initramfs-tools-core", "kmod", "klibc-utils", "libc6",
            "systemd", "udev"]
# The command of each kind, without its last arguments: the image's name and the kernel's release.
COMMANDS = {
    "dracut": DRACUT + ["--add", "rootstock", "--omit", "systemd systemd-initrd dracut-systemd"],
    "dracut-systemd": DRACUT + ["--add", "rootstock systemd systemd-initrd dracut-systemd"],
    # Not as root: then it would copy owners, which do not exist in a user namespace.
    "initramfs-tools": ["unshare", "--user", "mkinitramfs", "-d", "conf", "-c", "lz4", "-o"],
}
# Makes initrd.img with the command from $3 on, with $PWD/usr over /usr. The modules of the kernel
# $1 of the tree $2 are copied there first. "," and ":" in a path would confuse the options of
# overlayfs, so they have no path but "usr".
SCRIPT = """
release=$1 tree=$2
shift 2
mkdir -p nothing usr/lib/modules
cp -a "$tree/lib/modules/$release" usr/lib/modules/
depmod -b usr "$release"
mount -t overlay overlay -o lowerdir=usr:/usr /usr
mount --bind "$tree/boot" /boot
exec "$@" initrd.img "$release"
"""


def guests(build):
    """{path below PREFIX: file here} of what `make install` installs for other initramfs
    systems."""
    found = {"lib/ostree/ostree-prepare-root": os.path.join(build, "ostree-prepare-root"),
             "lib/systemd/system/ostree-prepare-root.service":
                 os.path.join(INITRAMFS, "ostree-prepare-root.service")}
    for folder, place in (("dracut", "lib/dracut/modules.d"),
                          ("initramfs-tools", "share/initramfs-tools")):
        top = os.path.join(INITRAMFS, folder)
        for path, _, names in os.walk(top):
            for name in names:
                file = os.path.join(path, name)
                found[os.path.join(place, os.path.relpath(file, top))] = file
    return found


def lay_out(files, work, drivers):
    """Puts our files into work/usr, and configurations that name the drivers into work/conf (for
    initramfs-tools) and work/dracut.conf."""
    for name, file in files.items():
        path = os.path.join(work, "usr", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(file, path)
    conf = os.path.join(work, "conf")
    for folder in ("conf.d", "hooks", "scripts"):
        os.makedirs(os.path.join(conf, folder))
    with open(os.path.join(conf, "initramfs.conf"), "w", encoding="ascii") as out:
        out.write("MODULES=list\nBUSYBOX=auto\nCOMPRESS=lz4\nRESUME=none\n")
    with open(os.path.join(conf, "modules"), "w", encoding="ascii") as out:
        out.write("\n".join(drivers) + "\n")
    with open(os.path.join(work, "dracut.conf"), "w", encoding="ascii") as out:
        out.write(f'drivers="{" ".join(drivers)}"\n')


def release_of(vmlinuz):
    """The RELEASE of a path TREE/boot/vmlinuz-RELEASE."""
    return os.path.basename(vmlinuz)[len("vmlinuz-"):]


def make(path, work, command, files, vmlinuz, drivers=DRIVERS):
    """Makes the directory `path` with the image and its tool's output."""
    lay_out(files, work, drivers)
    said = disk.run(["unshare", "--mount", "sh", "-euc", SCRIPT, "sh", release_of(vmlinuz),
                     os.path.dirname(os.path.dirname(vmlinuz))] + command, cwd=work,
                    env=dict(os.environ, TMPDIR=work, DRACUT_NO_MKNOD="1", SOURCE_DATE_EPOCH="0"))
    os.mkdir(path)
    with open(os.path.join(path, "log"), "w", encoding="utf-8") as out:
        out.write(said)
    os.rename(os.path.join(work, "initrd.img"), os.path.join(path, "initrd.img"))


def image(build, kind, vmlinuz, drivers=DRIVERS):
    """The path of an image of `kind` (see COMMANDS) for the kernel TREE/boot/vmlinuz-RELEASE."""
    files = guests(build)
    versions = subprocess.run(["dpkg-query", "-W"] + PACKAGES, text=True, check=True,
                              stdout=subprocess.PIPE).stdout
    key = digest(list(files.values()) + [vmlinuz, __file__], sorted(files), versions)
    name = "-".join((kind, release_of(vmlinuz)) + drivers)
    with lock:
        return os.path.join(
            replace(os.path.join(build, "qemu/images"), name, key,
                    lambda path, work: make(path, work, COMMANDS[kind], files, vmlinuz,
                                            drivers)),
            "initrd.img")
