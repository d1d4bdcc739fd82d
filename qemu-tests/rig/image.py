# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk image of a cell, built once and kept as long as nothing that goes into it changes."""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading

from rig import disk, sysroot

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT_SIZE, SECOND_SIZE = 192, 64
PROGRAMS = ("ostree-prepare-root", "ostree-grub-generator")
PREPARE_ROOT = "usr/lib/ostree/ostree-prepare-root"
GUESTS = {"probe": ["guest/%s.c" % name for name in
                    ("probe", "report", "look", "expect", "checks", "finish")],
          "tryinit": ["guest/tryinit.c", "guest/finish.c"]}
# Cells that run at the same time need the same repository.
lock = threading.Lock()


def need_programs(build):
    """Fails if the programs under test are not built: without them nothing is worth a skip."""
    for program in PROGRAMS:
        if not os.access(os.path.join(build, program), os.X_OK):
            raise RuntimeError("%s/%s is not there: run make first" % (build, program))


def digest(paths, *words):
    """A short name for the contents of files and for what is done with them."""
    total = hashlib.sha256(repr(words).encode())
    for path in paths:
        with open(path, "rb") as source:
            total.update(hashlib.sha256(source.read()).digest())
    return total.hexdigest()[:16]


def kernel(machine):
    """(release, path of vmlinuz) of the machine's kernel package, unpacked in the user's cache."""
    done = subprocess.run([os.path.join(HERE, "rig/debs")] + machine["kernel"].split(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError("no kernel: rig/debs %s: %s" % (machine["kernel"], done.stderr.strip()))
    path = glob.glob(done.stdout.strip() + "/boot/vmlinuz-*")[0]
    return os.path.basename(path)[len("vmlinuz-"):], path


def guest(build, name):
    """Compiles the guest program `name`, statically, for the tree; returns its path."""
    path = os.path.join(build, "qemu/guest", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run(["musl-gcc", "-std=gnu11", "-D_GNU_SOURCE", "-Os", "-static", "-s",
                    "-I" + os.path.dirname(HERE), "-o", path] +
                   [os.path.join(HERE, source) for source in GUESTS[name]], check=True)
    return path


def replace(folder, prefix, key, make):
    """Makes folder/PREFIX@KEY with make(path, work folder) if it is missing; drops older ones.

    The name is PREFIX@KEY: no prefix has an "@", so the older ones are not another cell's.
    """
    path = os.path.join(folder, "%s@%s" % (prefix, key))
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        work = tempfile.mkdtemp(prefix=".new-", dir=folder)
        try:
            made = os.path.join(work, "made")
            make(made, work)
            for old in glob.glob(os.path.join(glob.escape(folder), prefix + "@*")):
                shutil.rmtree(old, ignore_errors=True)
            os.rename(made, path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return path


def repository(build, machine, init):
    """The repository with the two commits, whose real init is the guest program `init`."""
    release, vmlinuz = kernel(machine)
    with lock:
        return locked_repository(build, init, release, vmlinuz)


def locked_repository(build, init, release, vmlinuz):
    """repository(), for one thread at a time."""
    files = {"usr/bin/busybox": shutil.which("busybox"), "usr/bin/ostree": sysroot.OSTREE,
             "usr/sbin/init": guest(build, init),
             PREPARE_ROOT: os.path.join(build, "ostree-prepare-root"),
             "usr/lib/modules/%s/vmlinuz" % release: vmlinuz}
    if init == "tryinit":
        files["usr/etc/profile"] = os.path.join(HERE, "guest/profile")
    key = digest(list(files.values()) + sysroot.libraries(sysroot.OSTREE) +
                 [sysroot.__file__], sorted(files))
    return replace(os.path.join(build, "qemu/images"), init + "-repo", key,
                   lambda path, work: sysroot.commit(path, work, files))


def then(entries, index):
    """What the probe of menu entry `index` does at the end of each of its boots.

    The boots of the cell go through `entries`; where the next one is another entry, the probe has
    to tell GRUB.
    """
    steps = []
    for position, entry in enumerate(entries):
        if entry != index:
            continue
        if position + 1 == len(entries):
            steps.append("poweroff")
        elif entries[position + 1] == index:
            steps.append("reboot")
        else:
            steps.append("reboot:%d" % entries[position + 1])
    return steps


def expectations(cell, item, index, top):
    """The text of /etc/probe.conf in the deployment of menu entry `index`."""
    plan, expect = cell["disk"], cell["expect"]
    found = [("stateroot", item["stateroot"]), ("deployment", item["deployment"]),
             ("root", expect["root"]), ("sysroot", expect["sysroot"]),
             ("disk", cell["machine"]["disk-name"])]
    for name in ("var", "boot"):
        found.append((name, "fstab" if plan["partition"] == name else "prepared"))
    found += [("arg", word) for word in expect["args"]]
    found += [("env", word) for word in
              ["HOME=/", "TERM=linux", "ostree=" + item["karg"]] + expect["env"]]
    found += [("top", name) for name in top]
    found += [("then", step) for step in then(cell["boot"]["entries"], index)]
    return "".join("%s %s\n" % pair for pair in found)


def write_etc(cell, menu, top):
    """The host's part of each deployment's /etc: expectations and the line for the partition."""
    partition = cell["disk"]["partition"]
    for index, item in enumerate(menu):
        with open(os.path.join(item["path"], "etc/probe.conf"), "w", encoding="utf-8") as out:
            out.write(expectations(cell, item, index, top))
        with open(os.path.join(item["path"], "etc/fstab"), "w", encoding="ascii") as out:
            if partition:
                out.write("/dev/%s /%s ext4 defaults 0 2\n" % (
                    cell["machine"]["partition-name"] % 3, partition))


def change(plan, root, generator, menu):
    """What the scenario does to a sysroot that libostree made.

    `options` is a sed script for the entries' options, after which the menu is generated anew;
    `change` a shell script, in the physical root, with the paths of the default deployment, of the
    other one, and of the directory of the default one's bootlink.
    """
    if plan["options"]:
        disk.run(["sed", "-i", "/^options /" + plan["options"]] +
                 glob.glob(os.path.join(root, "boot/loader/entries/*.conf")))
        disk.run([generator, "-o", os.path.join(root, "boot/loader/grub.cfg")])
    if plan["change"]:
        disk.run(["sh", "-euc", plan["change"]], cwd=root, env=dict(
            os.environ, DEPLOYMENT=menu[0]["path"], OTHER=menu[1]["path"],
            BOOTLINKS=os.path.dirname(root + menu[0]["karg"])))


def build_disk(path, work, cell, repo, generator):
    """Makes the directory `path` with disk.img and facts.json."""
    plan, partition = cell["disk"], cell["disk"]["partition"]
    parts = disk.layout([ROOT_SIZE] + ([SECOND_SIZE] if partition else []))
    root = os.path.join(work, "root")
    kargs = ["root=PARTUUID=" + parts[0]["uuid"], "rootwait", "panic=1"]
    kargs += ["console=" + cell["machine"]["console"]] + plan["kargs"].split()
    menu = sysroot.make(root, repo, generator, plan, kargs)
    top = sorted(os.listdir(root) + ["lost+found"])
    write_etc(cell, menu, top)
    os.makedirs(os.path.join(root, "boot/grub"))
    with open(os.path.join(root, "boot/grub/custom.cfg"), "w", encoding="ascii") as out:
        out.write("set default=%d\nset timeout=%s\n" % (
            cell["boot"]["entries"][0], cell["boot"]["timeout"]))
    change(plan, root, generator, menu)
    os.mkdir(path)
    image = os.path.join(path, "disk.img")
    disk.create(image, parts)
    boot_part = (0, "/boot/loader/grub.cfg")
    if partition:
        second = os.path.join(work, partition)
        if partition == "boot":
            os.rename(os.path.join(root, "boot"), second)
            boot_part = (1, "/loader/grub.cfg")
        os.makedirs(os.path.join(root if partition == "boot" else work, partition))
        disk.fill(image, parts[1], second, partition)
    disk.fill(image, parts[0], root, "root")
    disk.make_immutable(image, parts[0], [item["path"][len(root):] for item in menu])
    disk.install_grub(image, work, "hd0,gpt%d" % parts[boot_part[0]]["number"], boot_part[1])
    facts = {"parts": parts, "top": top, "deployments": [item["deployment"] for item in menu]}
    with open(os.path.join(path, "facts.json"), "w", encoding="ascii") as out:
        json.dump(facts, out)


def image(build, cell, init="probe"):
    """(path of the pristine image, facts about it) for a cell; builds what is missing."""
    repo = repository(build, cell["machine"], init)
    generator = os.path.join(build, "ostree-grub-generator")
    loader = sorted(glob.glob(disk.GRUB + "/*.mod") + glob.glob(disk.GRUB + "/*.img"))
    key = digest([generator, disk.__file__, __file__] + loader, os.path.basename(repo), cell)
    path = replace(os.path.join(build, "qemu/images"), cell["name"].replace("/", "."), key,
                   lambda path, work: build_disk(path, work, cell, repo, generator))
    with open(os.path.join(path, "facts.json"), encoding="ascii") as source:
        return os.path.join(path, "disk.img"), json.load(source)


def scratch(pristine, path):
    """A copy of an image to boot from; holes stay holes."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", pristine, path], check=True)
    os.chmod(path, 0o644)
