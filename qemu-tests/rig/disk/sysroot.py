# SPDX-License-Identifier: LGPL-2.1-or-later
"""The contents of a disk: a small tree, and a sysroot that the real `ostree admin` deploys it to.

If the tree has no initramfs, libostree writes init=…/ostree-prepare-root into the entries. It also
calls our generator (OSTREE_GRUB2_EXEC).
"""

import glob
import os
import re
import shutil
import subprocess

from rig.disk import disk

DIRECTORIES = """usr/bin usr/sbin usr/lib/ostree usr/lib64 usr/etc boot proc sys dev run var sysroot
    tmp""".split()
VERSIONS = ("1", "2")
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
         "ostree": "sysroot/ostree", "home": "var/home", "root": "var/roothome", "opt": "var/opt",
         "mnt": "var/mnt", "media": "run/media", "srv": "var/srv"}
ENVIRONMENT = {"OSTREE_SYSROOT_OPTS": "skip-sync", "OSTREE_SYSROOT_DEBUG": "mutable-deployments"}


def applets():
    """The names of busybox's programs, without those that the tree has from elsewhere."""
    listed = subprocess.run(["busybox", "--list"], check=True, text=True, stdout=subprocess.PIPE)
    return [name for name in listed.stdout.split() if name not in ("busybox", "init", "linuxrc")]


def make_tree(tree, files, version):
    """Makes a bootable tree of `files` {path in the tree: path here}, which include busybox."""
    for directory in DIRECTORIES:
        os.makedirs(os.path.join(tree, directory))
    for name, target in LINKS.items():
        os.symlink(target, os.path.join(tree, name))
    for target, source in files.items():
        os.makedirs(os.path.dirname(os.path.join(tree, target)), exist_ok=True)
        shutil.copy(source, os.path.join(tree, target))
        if target.startswith("usr/lib/") and ".so" in target:
            os.chmod(os.path.join(tree, target), 0o755)
    for applet in applets():
        if not os.path.lexists(os.path.join(tree, "usr/bin", applet)):
            os.symlink("busybox", os.path.join(tree, "usr/bin", applet))
    for name, text in {
            "usr/lib/os-release": 'ID=demo\nNAME="Demo OTA"\nPRETTY_NAME="Demo OTA"\n'
                                  f'VERSION={version}\n',
            "usr/etc/fstab": "", "usr/etc/hostname": "demo\n",
            "usr/etc/passwd": "root::0:0:root:/root:/bin/sh\n", "usr/etc/group": "root:x:0:\n",
            }.items():
        with open(os.path.join(tree, name), "w", encoding="ascii") as out:
            out.write(text)
    os.symlink("../usr/lib/os-release", os.path.join(tree, "usr/etc/os-release"))


def begin(repo, mode):
    """Makes an empty repository, without fsync, which is faster."""
    disk.run(["ostree", "--repo=" + repo, "init", "--mode=" + mode])
    disk.run(["ostree", "--repo=" + repo, "config", "set", "core.fsync", "false"])


def commit_tree(repo, tree, version):
    """Moves a tree into the repository, as the commit demo/VERSION."""
    disk.run(["ostree", "--repo=" + repo, "commit", "--branch=demo/" + version,
              "--tree=dir=" + tree, "--owner-uid=0", "--owner-gid=0", "--no-xattrs",
              "--timestamp=@1700000000", "--add-metadata-string=version=" + version,
              "--subject=demo " + version])
    shutil.rmtree(tree)


def commit(repo, work, versions, texts, make=make_tree):
    """Makes a repository with a commit demo/VERSION for each of `versions` {version: {path in the
    tree: path here}}. All trees have the files `texts` {path in the tree: a line of text} too."""
    begin(repo, "bare")
    for version, files in versions.items():
        tree = os.path.join(work, "tree-" + version)
        make(tree, files, version)
        for name, text in texts.items():
            with open(os.path.join(tree, name), "w", encoding="utf-8") as out:
                out.write(text + "\n")
        commit_tree(repo, tree, version)


def deployments(sysroot):
    """The boot menu that libostree wrote, with the entry of the highest version first."""
    menu = []
    for path in glob.glob(os.path.join(sysroot, "boot/loader/entries/*.conf")):
        with open(path, encoding="utf-8") as source:
            entry = dict(line.rstrip("\n").split(" ", 1) for line in source if " " in line)
        link = re.search(r"(?:^| )ostree=(\S+)", entry["options"]).group(1)
        target = os.path.realpath(sysroot + link)
        menu.append({"version": int(entry["version"]), "karg": link, "path": target,
                     "stateroot": target.split("/")[-3], "deployment": os.path.basename(target)})
    return sorted(menu, key=lambda item: -item["version"])


def make(sysroot, repo, generator, plan, kargs):
    """Makes a sysroot with the scenario's deployments; returns its menu (see deployments()).

    A single stateroot gets all versions of the plan, for example 1 and 2; the last becomes the
    default. If there are several stateroots, each gets the first version, and the deployment of the
    last stateroot becomes the default.
    """
    environment = dict(os.environ, OSTREE_GRUB2_EXEC=generator, **ENVIRONMENT)
    writer, inner = plan["writer"], f"--repo={sysroot}/ostree/repo"
    admin = writer + ["admin", "--sysroot=" + sysroot]
    os.makedirs(sysroot)
    disk.run(writer + ["admin", "init-fs", sysroot])
    for setting in ["sysroot.bootloader=grub2", "core.fsync=false"] + plan["repo-config"].split():
        disk.run(writer + [inner, "config", "set"] + setting.split("=", 1))
    names, versions = plan["stateroots"], plan["versions"]
    disk.run(writer + [inner, "pull-local", "--remote=factory", repo] +
             ["demo/" + version for version in versions])
    todo = [(name, versions[0]) for name in names]
    if len(names) == 1:
        todo += [(names[0], version) for version in versions[1:]]
    for name, version in todo:
        if not os.path.isdir(os.path.join(sysroot, "ostree/deploy", name)):
            disk.run(admin[:-1] + ["os-init", admin[-1], name])
        disk.run(admin[:-1] + ["deploy", admin[-1], "--os=" + name, "--karg-none"] +
                 ["--karg=" + word for word in kargs] + ["factory:demo/" + version],
                 env=environment)
    disk.run(writer + [inner, "config", "unset", "core.fsync"])
    return deployments(sysroot)
