# SPDX-License-Identifier: LGPL-2.1-or-later
"""A sysroot made by the real ostree, which calls our generator."""
import os
import re
import shutil
import subprocess

from testlib import tap
from testlib.bootfiles import INITRAMFS, KERNEL, PROGRAM, archive
from testlib.generator import clean_environment


class Host:
    def __init__(self, where, program):
        self.where, self.root = where, where + "/sysroot"
        self.environment = clean_environment(OSTREE_GRUB2_EXEC=program,
                                             OSTREE_SYSROOT_DEBUG="mutable-deployments")
        os.mkdir(self.root)
        self.run("ostree", f"--repo={where}/repo", "init", "--mode=bare-user")
        self.run("ostree", "admin", "init-fs", self.root)

    def run(self, *command, ok=True):
        done = subprocess.run(command, capture_output=True, check=False, env=self.environment)
        assert (done.returncode == 0) is ok, done
        return done.stdout.decode()

    def admin(self, verb, *arguments, ok=True):
        return self.run("ostree", "admin", verb, "--sysroot=" + self.root, *arguments, ok=ok)

    def set_bootloader(self, name):
        self.run("ostree", f"--repo={self.root}/ostree/repo", "config", "set",
                 "sysroot.bootloader", name)

    def commit(self, version, initramfs=True, more=None):
        """Commits a tree whose kernel differs for each version; more is {path: bytes}.

        Paths that begin with "modules/" are in the kernel's directory."""
        tree = self.where + "/tree"
        shutil.rmtree(tree, ignore_errors=True)
        modules = f"{tree}/usr/lib/modules/6.1.{version}"
        tap.write(modules + "/vmlinuz", KERNEL + version.encode())
        if initramfs:
            tap.write(modules + "/initramfs.img", archive({"version": version.encode()}) + INITRAMFS)
        tap.write(tree + "/usr/sbin/init", PROGRAM)
        os.chmod(tree + "/usr/sbin/init", 0o755)
        os.symlink("usr/sbin", tree + "/sbin")
        for path, content in (more or {}).items():
            below = modules if path.startswith("modules/") else tree
            tap.write(f"{below}/{path.removeprefix('modules/')}", content)
        for path in ("usr/lib/os-release", "usr/etc/os-release"):
            tap.write(f"{tree}/{path}", b'ID=demo\nPRETTY_NAME="Bob\'s 100%% OS"\n')
        for name in ("boot", "dev", "proc", "run", "sys", "sysroot", "var"):
            os.mkdir(f"{tree}/{name}")
        self.run("ostree", f"--repo={self.where}/repo", "commit", "-b", "demo",
                 "--tree=dir=" + tree)

    def deploy(self, *arguments, stateroot="demo", ok=True):
        if not os.path.isdir(f"{self.root}/ostree/deploy/{stateroot}"):
            self.admin("os-init", stateroot)
        self.run("ostree", f"--repo={self.root}/ostree/repo", "pull-local", self.where + "/repo",
                 "demo")
        self.admin("deploy", "--os=" + stateroot, *arguments, "demo", ok=ok)

    def deployments(self):
        """libostree's list of (stateroot, commit, serial), in its order."""
        return re.findall(r"^[* ] (\S+) ([0-9a-f]{64})\.(\d+)", self.admin("status"), re.MULTILINE)

    def deployment(self, ostree):
        """The deployment of an ostree= argument, in the same form."""
        name = os.path.realpath(self.root + ostree).split("/")
        return (name[-3], *name[-1].split("."))
