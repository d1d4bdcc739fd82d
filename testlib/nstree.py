# SPDX-License-Identifier: LGPL-2.1-or-later
"""Physical roots for the namespace ring: libostree's layout, made without ostree in a few
milliseconds, and (make_real) one that the real `ostree admin` makes.

Names of deployments are the constants below, so that tests can name paths. A test that needs
another root passes functions to make() that change the finished one.
"""

import glob
import os
import re
import subprocess

from testlib import nsostree
from testlib.nssys import read_file, write_file

PREPARE_ROOT = "usr/lib/ostree/ostree-prepare-root"
STATEROOT = "demo"
BOOTCSUM = "5" * 64
CSUM = "c" * 64
BOOTLINK = f"/ostree/boot.1/{STATEROOT}/{BOOTCSUM}/0"
DEPLOYMENT = f"ostree/deploy/{STATEROOT}/deploy/{CSUM}.0"
CMDLINE = f"root=/dev/vda2 rw quiet ostree={BOOTLINK}"

# The directories that `ostree admin init-fs` makes, with their modes.
INIT_FS = (("boot", 0o755), ("dev", 0o755), ("home", 0o755), ("proc", 0o755), ("run", 0o755),
           ("sys", 0o755), ("root", 0o700), ("tmp", 0o1777))
TREE_DIRS = ("boot", "dev", "etc", "proc", "run", "sys", "sysroot", "tmp", "usr/bin", "usr/etc",
             "usr/sbin", "usr/lib/ostree", "usr/lib/modules/6.1.0", "var")
TREE_LINKS = (("bin", "usr/bin"), ("lib", "usr/lib"), ("sbin", "usr/sbin"),
              ("ostree", "sysroot/ostree"), ("home", "var/home"))


def make(top, programs, *changes, stateroot=STATEROOT, csum=CSUM):
    """Make a physical root in the directory top: one deployment, its bootlink, a boot loader
    entry. programs are (path in the deployment, bytes). Each change is called with top."""
    for name, mode in INIT_FS:
        os.mkdir(f"{top}/{name}")
        os.chmod(f"{top}/{name}", mode)
    os.makedirs(f"{top}/ostree/repo/objects")
    write_file(f"{top}/ostree/repo/config", "[core]\nrepo_version=1\nmode=bare\n")
    os.makedirs(f"{top}/boot/loader.1/entries")
    os.symlink("loader.1", f"{top}/boot/loader")
    os.symlink(".", f"{top}/boot/boot")
    write_file(f"{top}/boot/loader.1/entries/ostree-1-{stateroot}.conf",
               f"title demo\nversion 1\nlinux /vmlinuz\noptions {CMDLINE}\n")
    os.symlink("boot.1.1", f"{top}/ostree/boot.1")
    add_deployment(top, programs, stateroot, csum)
    for change in changes:
        change(top)


def add_deployment(top, programs, stateroot, csum):
    """Add a deployment with its stateroot and bootlink."""
    deploy = f"{top}/ostree/deploy/{stateroot}/deploy/{csum}.0"
    for name in TREE_DIRS:
        os.makedirs(f"{deploy}/{name}", exist_ok=True)
    for name, target in TREE_LINKS:
        os.symlink(target, f"{deploy}/{name}")
    os.chmod(f"{deploy}/tmp", 0o1777)
    write_file(f"{deploy}/usr/lib/os-release", f"ID={stateroot}\n")
    write_file(f"{deploy}/usr/etc/fstab", "")
    write_file(f"{deploy}/etc/fstab", "# nothing\n")
    write_file(f"{deploy}.origin", "[origin]\nrefspec=demo\n")
    for path, data in programs:
        write_file(f"{deploy}/{path}", data, 0o755)
    for name in ("lib", "log", "tmp"):
        os.makedirs(f"{top}/ostree/deploy/{stateroot}/var/{name}", exist_ok=True)
    write_file(f"{top}/ostree/deploy/{stateroot}/var/whose", stateroot)
    links = f"{top}/ostree/boot.1.1/{stateroot}/{BOOTCSUM}"
    os.makedirs(links)
    os.symlink(f"../../../deploy/{stateroot}/deploy/{csum}.0", f"{links}/0")


def make_real(top, programs):
    """Make a physical root with the real ostree: init-fs, os-init, commit, deploy. Returns the
    kernel command line that libostree wrote. Needs a private /tmp."""
    tree = "/tmp/tree"
    for name in TREE_DIRS:
        if name != "etc":
            os.makedirs(f"{tree}/{name}", exist_ok=True)
    for name, target in TREE_LINKS:
        os.symlink(target, f"{tree}/{name}")
    write_file(f"{tree}/usr/lib/modules/6.1.0/vmlinuz", "a kernel\n")
    write_file(f"{tree}/usr/lib/os-release", "ID=real\nNAME=real\n")
    write_file(f"{tree}/usr/etc/fstab", "")
    for path, data in programs:
        write_file(f"{tree}/{path}", data, 0o755)
    for command in (f"admin init-fs {top}",
                    f"admin os-init --sysroot={top} {STATEROOT}",
                    f"--repo={top}/ostree/repo commit -b b -s s --tree=dir={tree}",
                    f"admin deploy --sysroot={top} --os={STATEROOT} --karg=rw b"):
        subprocess.run(["ostree", *command.split()], check=True, capture_output=True)
    entry = glob.glob(f"{top}/boot/loader/entries/*.conf")[0]
    return re.search(r"^options (.*)$", read_file(entry).decode(), re.M).group(1)


def debian():
    """(Debian 12's dynamic prepare-root, [(path, bytes, mode)] of its loader and libraries)."""
    found = dict(nsostree.files("bookworm"))
    program = found["ostree-prepare-root"]
    loader = re.search(rb"/lib[^\0]*/ld-[^\0]*", program)[0].decode()
    folder = f"/lib/{os.uname().machine}-linux-gnu/"
    return program, [(loader, found["ld.so"], 0o755)] + [
        (folder + name, data, 0o755) for name, data in found.items() if name.startswith("lib")]


# --- changes for make() ---


def readonly(top):
    """Set sysroot.readonly in the repository, where older libostree reads it."""
    with open(f"{top}/ostree/repo/config", "a", encoding="utf-8") as f:
        f.write("\n[sysroot]\nreadonly=true\n")


def hotfix(top):
    """Make the directories of `ostree admin unlock --hotfix`."""
    for name in ("upper", "work"):
        os.mkdir(f"{top}/{DEPLOYMENT}/.usr-ovl-{name}")


def no_loader(top):
    """/boot is a partition of its own, so its mount point is empty."""
    os.unlink(f"{top}/boot/loader")


def var_marker(top):
    """Make the file in /run by which Debian's program mounts /var itself."""
    os.makedirs(f"{top}/run/ostree")
    write_file(f"{top}/run/ostree/initramfs-mount-var", "")


def fstab_var(top):
    """The tree mounts its own /var."""
    write_file(f"{top}/{DEPLOYMENT}/etc/fstab", "LABEL=var\t/var  ext4 defaults 0 2\n")


def systemd(top):
    """Systemd is the tree's init, and libostree's generator is there to mount /var."""
    deploy = f"{top}/{DEPLOYMENT}"
    generators = deploy + "/usr/lib/systemd/system-generators"
    os.makedirs(generators)
    write_file(generators + "/ostree-system-generator", "#!/bin/sh\n", 0o755)
    os.rename(f"{deploy}/usr/sbin/init", f"{deploy}/usr/lib/systemd/systemd")
    os.symlink("../lib/systemd/systemd", f"{deploy}/usr/sbin/init")


def second(top):
    """Add another stateroot, with a deployment that is not booted."""
    add_deployment(top, (), "other", "d" * 64)
