# SPDX-License-Identifier: LGPL-2.1-or-later
"""The disk image of a cell, which is kept until something that goes into it changes."""

import glob
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading

from rig.disk import checked, corrupt, debian, devicetree, disk, filesystem, loaders, releases, sysroot
from rig.host import arch, kernels
from rig.host.kernels import HERE, kernel

SECOND_SIZE = 64
GIB = 1 << 30
# Free GiB on the host's disk: LEAST is needed to start a run; below ROOM the images of a cell are
# removed when it has passed. What cells share takes 3, making a large tree 2.
LEAST, ROOM = 1, 6
# The kinds of images that only one cell uses.
OWN = ("", ".initramfs", ".repo")
# KiB that may be in memory file systems when the real init starts: /run, and a few pages.
MEMORY = 1024
PROGRAMS = ("ostree-prepare-root", "rootstock-init")
PREPARE_ROOT = "usr/lib/ostree/ostree-prepare-root"
GUESTS = {"probe": [f"guest/{name}.c" for name in
                    ("probe", "report", "look", "expect", "checks", "mounts", "initramfs",
                     "finish")],
          "debian": [f"guest/{name}.c" for name in
                     ("userland", "report", "look", "expect", "checks", "mounts")],
          "tryinit": ["guest/tryinit.c", "guest/finish.c"], "mark": ["guest/mark.c"],
          "lognote": ["guest/lognote.c"],
          "before": [f"guest/{name}.c" for name in ("before", "initramfs", "expect", "look",
                                                  "report")]}
# Linked with glibc, as most trees' init is: the bench includes the cost of its start.
GLIBC_GUESTS = ("mark",)
# Held while a repository is made: cells that run at the same time may need the same one.
lock = threading.Lock()


def need_programs(build, machines):
    """Fails if the programs under test are not built. That must not count as skipped cells."""
    needed = [os.path.join(arch.programs(build, kind["arch"]), name)
              for kind in machines for name in PROGRAMS]
    needed += [os.path.join(build, loaders.of(kind).generator) for kind in machines]
    for path in sorted(set(needed)):
        if not os.access(path, os.X_OK):
            raise RuntimeError(f"{path} is not there: "
                               f"run make ARCH={os.path.basename(os.path.dirname(path))} first")


def free(build):
    """The free GiB on the disk with the images."""
    return shutil.disk_usage(build).free / GIB


def need_room(build):
    """Fails if there is no room for the images of a single cell."""
    if free(build) < LEAST:
        raise RuntimeError(f"{build}: its disk has {free(build):.1f} GiB free, and {LEAST} are "
                           "needed: make room first")


def make_room(build, cell):
    """Removes the images that only this cell uses, if the disk is nearly full. Otherwise they stay
    for the next run; those of the complete matrix take about 18 GiB."""
    if free(build) >= ROOM:
        return
    for kind in OWN:
        drop(os.path.join(build, "qemu/images"), own(cell, kind))


def own(cell, kind=""):
    """The prefix in replace() of a cell's own image; `kind` is one of OWN, "" is the disk image."""
    return cell["name"].replace("/", ".") + kind


def drop(folder, prefix):
    """Removes everything that replace() has made with this prefix."""
    for path in glob.glob(os.path.join(glob.escape(folder), prefix + "@*")):
        shutil.rmtree(path, ignore_errors=True)


def digest(paths, *words):
    """A short hash of the contents of files and of `words`."""
    total = hashlib.sha256(repr(words).encode())
    for path in paths:
        with open(path, "rb") as source:
            total.update(hashlib.sha256(source.read()).digest())
    return total.hexdigest()[:16]


def guest(build, machine, name):
    """Compiles the static guest program `name`; returns its path."""
    path = os.path.join(build, f"qemu/guest-{machine['arch']}-{machine['report']}", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    compiler = (["gcc"] if name in GLIBC_GUESTS else arch.compiler(build, machine["arch"]))
    subprocess.run(compiler + ["-std=gnu11", "-D_GNU_SOURCE", "-Os", "-static", "-s",
                               f"-DREPORT_PORT=\"/dev/{machine['report']}\"",
                               "-I" + os.path.dirname(HERE), "-o", path] +
                   [os.path.join(HERE, source) for source in GUESTS[name]], check=True)
    return path


def replace(folder, prefix, key, make):
    """Makes folder/PREFIX@KEY with make(path, work folder) if it is missing, and removes older ones
    with this prefix; returns its path. No prefix has an "@", so they are not another cell's.
    """
    path = os.path.join(folder, f"{prefix}@{key}")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        work = tempfile.mkdtemp(prefix=".new-", dir=folder)
        try:
            made = os.path.join(work, "made")
            make(made, work)
            drop(folder, prefix)
            os.rename(made, path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return path


def own_kernels(files, release, work):
    """{version: files} in which each version has its own kernel: its number is appended to the
    file, which boots as before."""
    name, found = f"usr/lib/modules/{release}/vmlinuz", {}
    for version in sysroot.VERSIONS:
        found[version] = dict(files, **{name: os.path.join(work, "vmlinuz-" + version)})
        shutil.copyfile(files[name], found[version][name])
        with open(found[version][name], "ab") as out:
            out.write(version.encode())
    return found


def tree_files(build, cell, init):
    """{path in the tree: path here} of the files that every tree has."""
    kind = cell["machine"]
    release, vmlinuz = kernel(kind)
    files = {PREPARE_ROOT: os.path.join(arch.programs(build, kind["arch"]), "ostree-prepare-root"),
             f"usr/lib/modules/{release}/vmlinuz": vmlinuz, **loaders.of(kind).tree(build)}
    builtin = kernels.builtin(kind)
    if builtin:
        files[f"usr/lib/modules/{release}/modules.builtin"] = builtin
    if kind["board-dtb"]:
        files[f"usr/lib/modules/{release}/devicetree"] = kernels.board_dtb(kind)
    tops = arch.files(kind["arch"], "ostree", "busybox-static")
    files["usr/bin/busybox"] = arch.find(tops, "/bin/busybox", "/usr/bin/busybox")
    if init == "debian":
        files.update({debian.JUDGE: guest(build, kind, init), debian.UNIT: debian.SERVICE})
        return files
    program = arch.find(tops, "/usr/bin/ostree")
    files.update({"usr/sbin/init": guest(build, kind, init), "usr/bin/ostree": program,
                  **arch.libraries(kind["arch"], tops, program)})
    if init == "tryinit":
        files["usr/etc/profile"] = os.path.join(HERE, "guest/profile")
    return files


def repository(build, cell, init, initrd=None):
    """The path of the repository with two commits, whose real init is the guest program `init`. If
    the tree has an initramfs or special files, no other cell uses the repository."""
    plan, release = cell["disk"], kernel(cell["machine"])[0]
    name = "%s-repo-%s" % (init, "-".join([cell["machine"]["arch"], cell["machine"]["report"],
                                           cell["machine"]["loader"], release]))
    with lock:
        files = tree_files(build, cell, init)
        if initrd:
            files[f"usr/lib/modules/{release}/initramfs.img"] = initrd
        if initrd or plan["tree-files"] or plan["devicetree"] or plan["kernels"] == "each":
            name = own(cell, ".repo")
        make, basis = debian.maker(cell["machine"]) if init == "debian" else (
            sysroot.make_tree, "")
        key = digest(list(files.values()) + [sysroot.__file__, debian.__file__,
                                             devicetree.__file__], sorted(files),
                     basis, [plan[key] for key in ("tree-files", "devicetree", "kernels")])

        def commit(path, work):
            if plan["devicetree"]:
                made = os.path.join(work, "devicetree")
                devicetree.make(made, cell["machine"], plan["devicetree"])
                files[f"usr/lib/modules/{release}/devicetree"] = made
            versions = (own_kernels(files, release, work) if plan["kernels"] == "each" else
                        dict.fromkeys(sysroot.VERSIONS, files))
            sysroot.commit(path, work, versions, plan["tree-files"], make)

        return replace(os.path.join(build, "qemu/images"), name, key, commit)


def then(entries, index, loader="grub-bios"):
    """What the probe of menu entry `index` does at the end of each of its boots.

    The cell boots the `entries` in order; the probe has to tell GRUB if the next one is another
    entry. Without a loader each boot starts the machine anew.
    """
    if loader == "none":
        return ["poweroff"] * entries.count(index)
    steps = []
    for position, entry in enumerate(entries):
        if entry != index:
            continue
        if position + 1 == len(entries):
            steps.append("poweroff")
        elif entries[position + 1] == index:
            steps.append("reboot")
        else:
            steps.append(f"reboot:{entries[position + 1]}")
    return steps


def expectations(cell, item, index, top):
    """The text of /etc/probe.conf in the deployment of menu entry `index`."""
    plan, expect, kind = cell["disk"], cell["expect"], cell["initramfs"]["kind"]
    found = [("stateroot", item["stateroot"]), ("deployment", item["deployment"]),
             ("disk", cell["machine"]["disk-name"]), ("tree", plan["tree"])]
    found += [(key, expect[key]) for key in ("root", "sysroot", "usr", "switches")]
    if expect["model"]:
        found.append(("model", expect["model"]))
    found.append(("inside", filesystem.INSIDE.get(plan["filesystem"], "")))
    for name in ("var", "boot"):
        found.append((name, "fstab" if plan["partition"] == name else "absent" if name == "boot" and
                      plan["partition"] == "fat" else "prepared"))
    # Other initramfs systems add variables, and free their memory only after the real init has
    # started; systemd in an initramfs makes all mounts private.
    ours = kind in ("none", "rootstock")
    found.append(("environment", "exact" if ours and expect["switches"] == "0" else "more"))
    found.append(("world", "own" if kind == "none" else "handed"))
    found.append(("memory", str(MEMORY) if ours else "0"))
    private = kind == "dracut-systemd" and plan["userland"] == "probe"
    found.append(("propagation", "private" if private else "shared"))
    found += [("arg", word) for word in expect["args"]]
    words = ([] if kind == "dracut-systemd" else ["HOME=/", "TERM=linux"]) + expect["env"]
    found += [("env", word) for word in words]
    if plan["tree"] == "deployment":
        found.append(("env", "ostree=" + ("true" if cell["boot"]["slot"] else item["karg"])))
    found += [("top", name) for name in top]
    found += [("then", step) for step in
              then(cell["boot"]["entries"], index, cell["machine"]["loader"])]
    return "".join("%s %s\n" % pair for pair in found)


def write_etc(cell, menu, top):
    """Writes the files of each deployment's /etc that differ: probe.conf and fstab."""
    partition = cell["disk"]["partition"]
    for index, item in enumerate(menu):
        with open(os.path.join(item["path"], "etc/probe.conf"), "w", encoding="utf-8") as out:
            out.write(expectations(cell, item, index, top))
        with open(os.path.join(item["path"], "etc/fstab"), "w", encoding="ascii") as out:
            if partition in ("boot", "var"):
                out.write("/dev/%s /%s ext4 defaults 0 2\n" % (
                    cell["machine"]["partition-name"] % 3, partition))


def make_plain(root, menu):
    """Copies the tree of the default deployment to the sysroot's root directory, to boot it without
    OSTree; returns a menu with only that."""
    tree = menu[0]["path"]
    disk.run(["cp", "-al", tree + "/usr", root])
    disk.run(["cp", "-a"] + [os.path.join(tree, name) for name in ("etc", "bin", "sbin", "lib",
                                                                   "lib64")] + [root])
    disk.run(["mkdir", "-p"] + [os.path.join(root, name) for name in ("proc", "sys", "dev", "run",
                                                                      "var")])
    return [dict(menu[0], path=root, deployment="plain", stateroot="-")]


def change(plan, root, generator, menu_file, menu):
    """Makes the scenario's changes to a sysroot that libostree made.

    `options` is a sed script for the entries' options, after which the menu is generated again.
    `change` is a shell script that runs in the physical root. It gets these paths: DEPLOYMENT (the
    default one), OTHER (the other one), BOOTLINKS (the directory of the default one's bootlink),
    GENERATOR and MENU (the file that this writes). The files are hard links into a repository that
    is kept, so the script may replace them, but not write to them.
    """
    if plan["options"]:
        disk.run(["sed", "-i", "/^options /" + plan["options"]] +
                 glob.glob(os.path.join(root, "boot/loader/entries/*.conf")))
        disk.run([generator, "-o", menu_file])
    if plan["change"]:
        disk.run(["sh", "-euc", plan["change"]], cwd=root, env=dict(
            os.environ, GENERATOR=generator, MENU=menu_file, DEPLOYMENT=menu[0]["path"],
            OTHER=menu[-1]["path"], BOOTLINKS=os.path.dirname(root + menu[0]["karg"])))


def kargs(cell, parts):
    """The kernel arguments that libostree writes into the entries."""
    plan = cell["disk"]
    uuid = parts[0]["uuid"] if plan["table"] != "mbr" else f"{disk.MBR}-{parts[0]['number']:02d}"
    # On a busy host a kernel may print "Call Trace", because RCU waited longer than its own limit
    # of 21 seconds, and that of a PC may conclude that QEMU's timer does not work, and panic.
    patience = ["rcupdate.rcu_cpu_stall_suppress=1"]
    if cell["machine"]["arch"] == "x86_64":
        patience.append("no_timer_check")
    return (["root=PARTUUID=" + uuid, "rootwait", "panic=1"] + patience +
            ["console=" + cell["machine"]["console"]] + plan["kargs"].split())


def options(root):
    """The options of each entry, which a boot loader gives to the kernel; the default entry
    first."""
    found = []
    for path in glob.glob(os.path.join(root, "boot/loader/entries/*.conf")):
        with open(path, encoding="utf-8") as source:
            entry = dict(line.rstrip("\n").split(" ", 1) for line in source if " " in line)
        found.append((-int(entry["version"]), entry["options"]))
    return [words for _, words in sorted(found)]


def make_sysroot(root, cell, repo, generator, parts):
    """Makes the sysroot; returns (its menu, facts about it)."""
    plan = cell["disk"]
    menu = sysroot.make(root, repo, generator, plan, kargs(cell, parts))
    if plan["tree"] == "plain":
        menu = make_plain(root, menu)
    top = sorted(os.listdir(root) + (["lost+found"] if plan["filesystem"] == "ext4" else []))
    write_etc(cell, menu, top)
    loader = loaders.of(cell["machine"])
    loader.configure(os.path.join(root, "boot"), cell)
    change(plan, root, generator, os.path.join(root, "boot/loader", loader.menu), menu)
    facts = {"parts": parts, "top": top, "options": options(root),
             "deployments": [item["deployment"] for item in menu]}
    return menu, facts


def build_disk(path, work, cell, repo, build, beside):
    """Makes the directory `path` with disk.img and facts.json."""
    plan, partition = cell["disk"], cell["disk"]["partition"]
    loader = loaders.of(cell["machine"])
    size = debian.SIZE if plan["userland"] == "debian" else filesystem.KINDS[plan["filesystem"]]
    parts = disk.layout([size] * int(plan["devices"]) + ([SECOND_SIZE] if partition else []),
                        loader.size)
    root = os.path.join(work, "root")
    menu, facts = make_sysroot(root, cell, repo, os.path.join(build, loader.generator), parts)
    facts["check"] = checked.check(build, root, loader, beside, work)
    os.mkdir(path)
    image = os.path.join(path, "disk.img")
    boot, top = (parts[1], "") if partition in ("boot", "fat") else (parts[0], "/boot")
    disk.create(image, parts, loader.first, plan["table"], boot if loader.bootable else None)
    if partition:
        second = os.path.join(work, partition)
        if partition == "var":
            os.mkdir(second)
        else:
            os.rename(os.path.join(root, "boot"), second)
            os.mkdir(os.path.join(root, "boot"))
        if partition == "fat":
            disk.fill_fat(image, parts[1]["start"], SECOND_SIZE, second)
        else:
            disk.fill(image, parts[1], second, partition)
    filesystem.fill(image, parts[:int(plan["devices"])], root, cell, work, [
        item["path"][len(root):] for item in menu if plan["tree"] == "deployment"])
    loader.install(image, work, cell, boot, top)
    if plan["damage"]:
        corrupt.apply(image, parts[0], plan["damage"])
    with open(os.path.join(path, "facts.json"), "w", encoding="ascii") as out:
        json.dump(facts, out)


def image(build, cell, init="probe", initrd=None, repo=None, beside=None):
    """(path of the pristine image, facts about it) for a cell; makes what is missing. `initrd` is
    an initramfs to put into the tree, for a boot loader to load; `beside` is one that QEMU loads
    itself."""
    repo, loader = repo or repository(build, cell, init, initrd), loaders.of(cell["machine"])
    cell = dict(cell, disk=dict(cell["disk"], writer=releases.writer(cell["disk"]["ostree"])))
    programs = [os.path.join(build, name) for name in (loader.generator, checked.PROGRAM)]
    parts = [part.__file__ for part in (checked, corrupt, debian, disk, filesystem, kernels, loaders)]
    key = digest(programs + [__file__] + parts + loader.sources() + ([beside] if beside else []),
                 os.path.basename(repo), cell)
    path = replace(os.path.join(build, "qemu/images"), own(cell), key,
                   lambda path, work: build_disk(path, work, cell, repo, build, beside))
    with open(os.path.join(path, "facts.json"), encoding="ascii") as source:
        return os.path.join(path, "disk.img"), json.load(source)


def scratch(pristine, path):
    """Copies an image to boot from, with its holes. A qcow2 overlay would not be faster: it would
    have to be converted for e2fsck and similar tools."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", pristine, path], check=True)
    os.chmod(path, 0o644)
