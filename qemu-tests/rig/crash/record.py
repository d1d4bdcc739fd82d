# SPDX-License-Identifier: LGPL-2.1-or-later
"""Records a guest that changes its boot menu: each write that reaches the disk of /boot, in order.

The guest is a stock kernel with libostree and the generators in its initramfs; its sysroot is in
memory, and /boot is the disk. QEMU's blklogwrites keeps the log.
"""

import base64
import json
import os
import re
import shutil
import subprocess

from rig.crash import bootfs
from rig.crash.writelog import content
from rig.disk import disk, image, releases
from rig.host import arch, kernels
from testlib.slowness import limit

MACHINE = {"arch": "x86_64", "report": "ttyS1", "loader": "grub-bios", "grub": "",
           "kernel": "bookworm amd64 meta:linux-image-cloud-amd64"}
OSTREE, STRACE = "/usr/bin/ostree", "/usr/bin/strace"
QEMU = "qemu-system-x86_64 -M q35 -accel tcg -cpu qemu64 -smp 1 -m 512 -nodefaults -display none"
GENERATORS = ("ostree-grub-generator", "ostree-uboot-generator")
VERSIONS = 6
# The Debian release whose libostree makes the changes of an operation, if not the host's.
WRITERS = {"newer": "trixie"}
# The time limit of a machine, with others running on this host.
SECONDS = 900
COUNTS = {"menu": 40, "killed": 40, "kargs": 24, "deploy": 16, "row": 16, "newer": 16,
          "frozen": 16, "truncate": 24}


def write(path, data):
    """Writes a file, and makes its directories."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)


def make_sysroot(top, work):
    """Makes top/sysroot with commits demo/1, demo/2, ... of small trees; nothing is deployed."""
    root, tree = os.path.join(top, "sysroot"), os.path.join(work, "tree")
    repo = f"--repo={root}/ostree/repo"
    os.makedirs(root)
    disk.run(["ostree", "admin", "init-fs", root])
    shutil.rmtree(os.path.join(root, "boot"))
    os.mkdir(os.path.join(root, "boot"))
    disk.run(["ostree", "admin", "os-init", "--sysroot=" + root, "demo"])
    disk.run(["ostree", repo, "config", "set", "sysroot.bootloader", "grub2"])
    for version in range(1, VERSIONS + 1):
        modules = f"{tree}/usr/lib/modules/6.1.{version}/"
        write(modules + "vmlinuz", content("vmlinuz", version))
        write(modules + "initramfs.img", content("initramfs", version))
        write(tree + "/usr/lib/os-release", b"ID=demo\nPRETTY_NAME=Demo\n")
        write(tree + "/usr/etc/os-release", b"ID=demo\n")
        for name in ("boot", "dev", "proc", "run", "sys", "sysroot", "var"):
            os.makedirs(os.path.join(tree, name), exist_ok=True)
        disk.run(["ostree", repo, "commit", f"--branch=demo/{version}", "--tree=dir=" + tree,
                  "--owner-uid=0", "--owner-gid=0", "--no-xattrs",
                  f"--add-metadata-string=version={version}"])
        shutil.rmtree(tree)


def make_system(build, programs, tops, path, work):
    """Packs path/initrd, the guest's initramfs without the parameters, so that all recordings can
    use it. ostree and strace come from the first of the directories `tops` that has them."""
    top = os.path.join(work, "top")
    copies = {"bin/busybox": shutil.which("busybox"), "init": image.HERE + "/guest/updates",
              "hook": image.HERE + "/guest/hook",
              "usr/bin/lognote": image.guest(build, MACHINE, "lognote")}
    copies.update({"usr/bin/" + name: os.path.join(programs, name) for name in GENERATORS})
    for name in (OSTREE, STRACE):
        copies[name[1:]] = arch.find(tops, name)
        copies.update(arch.libraries("x86_64", tops, copies[name[1:]]))
    wanted = sum((kind.modules for kind in bootfs.KINDS.values()), ["virtio_pci", "virtio_blk"])
    modules = kernels.insert(MACHINE, work, wanted)
    copies.update({"modules/" + os.path.basename(name): name for name in modules})
    for target, source in copies.items():
        os.makedirs(os.path.dirname(os.path.join(top, target)), exist_ok=True)
        shutil.copy(source, os.path.join(top, target))
    write(top + "/modules/order", "".join(f"/modules/{os.path.basename(name)}\n"
                                          for name in modules).encode())
    for name in ("lib", "lib64"):
        os.symlink("usr/" + name, os.path.join(top, name))
    for version in (1, 2):
        write(f"{top}/k/vmlinuz-6.1.{version}", content("vmlinuz", version))
        write(f"{top}/k/initramfs-6.1.{version}.img", content("initramfs", version))
    make_sysroot(top, work)
    os.mkdir(path)
    pack(top, os.path.join(path, "initrd"))


def pack(top, path):
    """Packs a directory into a cpio archive with root as the owner."""
    with open(path, "wb") as out:
        listed = subprocess.run(["find", ".", "-mindepth", "1"], cwd=top, check=True,
                                stdout=subprocess.PIPE).stdout
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "+0:+0"], cwd=top, check=True,
                       input=listed, stdout=out)


def system(build, programs, operation=""):
    """The path of the guest's initramfs, with the generators from the directory `programs`."""
    release = WRITERS.get(operation, "")
    tops = ([releases.unpacked(release, "amd64")] if release else []) + arch.files(
        "x86_64", "ostree", "strace")
    files = [os.path.join(programs, name) for name in GENERATORS]
    files += [__file__, bootfs.__file__, image.HERE + "/guest/updates", image.HERE + "/guest/hook",
              image.HERE + "/guest/lognote.c", arch.find(tops, OSTREE), STRACE]
    return os.path.join(image.replace(
        os.path.join(build, "crash"), "system" + release, image.digest(files),
        lambda path, work: make_system(build, programs, tops, path, work)), "initrd")


def boot(folder, initramfs, parameters, drives, faults=""):
    """Runs the guest to its end; its output is in folder/console and folder/report."""
    top = os.path.join(folder, "top")
    write(top + "/faults", faults.encode())
    write(top + "/parameters", "".join("%s='%s'\n" % pair for pair in parameters.items()).encode())
    pack(top, os.path.join(folder, "parameters.cpio"))
    with open(os.path.join(folder, "initrd"), "wb") as out:
        for name in (initramfs, os.path.join(folder, "parameters.cpio")):
            with open(name, "rb") as source:
                shutil.copyfileobj(source, out)
    console, report = (os.path.join(folder, name) for name in ("console", "report"))
    words = QEMU.split() + ["-no-reboot", "-serial", "file:" + console, "-serial", "file:" + report,
                            "-kernel", kernels.kernel(MACHINE)[1], "-initrd", folder + "/initrd",
                            "-append", "console=ttyS0 quiet panic=-1 no_timer_check"] + drives
    done = subprocess.run(words, check=False, timeout=limit(SECONDS), stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise RuntimeError("QEMU: " + done.stdout[-2000:])
    os.unlink(os.path.join(folder, "initrd"))
    with open(console, encoding="utf-8", errors="replace") as source:
        said = source.read()
    if "updates: done" not in said:
        raise RuntimeError(f"the guest did not reach its end: {console}\n{said[-2000:]}")


def logged(path, log):
    """QEMU's arguments for a disk whose writes are logged. Write-zeroes and discard are off,
    because QEMU 7.2 does not log them correctly."""
    return ["-blockdev", "driver=file,node-name=f,filename=" + path,
            "-blockdev", "driver=file,node-name=l,filename=" + log,
            "-blockdev", "driver=blklogwrites,node-name=lw,file=f,log=l,log-sector-size=512",
            "-device", "virtio-blk-pci,drive=lw,write-cache=on,discard=off,write-zeroes=off"]


def menus(report):
    """{generation: {name: base64}} of the menus in the guest's report."""
    found = {}
    with open(report, encoding="ascii") as source:
        for generation, name, text in re.findall(r"^menu (\d+) (\S+) (\S+)\r?$", source.read(),
                                                 re.MULTILINE):
            found.setdefault(int(generation), {})[name] = text
    return found


def check(found, count):
    """Fails unless every generation exists and differs from the one before: a guest that changes
    nothing would prove nothing."""
    for generation in range(count + 1):
        for name in ("grub.cfg", "uEnv.txt"):
            now = found.get(generation, {}).get(name)
            if not now or not base64.b64decode(now).endswith(b"rootstock_complete=1\n"):
                raise RuntimeError(f"the guest made no {name} number {generation}")
            if generation and now == found[generation - 1][name]:
                raise RuntimeError(f"{name} number {generation} equals the one before")


def run(folder, initramfs, size, kind, parameters):
    """Records the guest's writes to a copy of folder/base.img, and writes facts.json. The file
    system or disk is `size` bytes long; the notes are after it."""
    base, live, log = (os.path.join(folder, name) for name in ("base.img", "live.img", "log"))
    subprocess.run(["cp", "--sparse=always", base, live], check=True)
    os.truncate(live, size + bootfs.NOTES)
    write(log, b"")
    boot(folder, initramfs, dict({
        "filesystem": bootfs.KINDS[kind].type, "device": "vda", "top": "/sysroot/boot",
        "notes": size, "versions": VERSIONS}, **parameters), logged(live, log))
    os.rename(live, os.path.join(folder, "end.img"))
    found = menus(os.path.join(folder, "report"))
    check(found, parameters["count"])
    facts = {"name": os.path.basename(folder), "kind": kind, "operation": parameters["operation"],
             "size": size, "menus": found, "unread": []}
    if parameters.get("device", "vda") == "vda":
        facts["unread"] = bootfs.unread(base, kind)
    with open(os.path.join(folder, "facts.json"), "w", encoding="ascii") as out:
        json.dump(facts, out)


def record(build, programs, kind, operation, folder, count=0):
    """Records one operation on one kind of file system into a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    size = bootfs.make(os.path.join(folder, "base.img"), kind)
    run(folder, system(build, programs, operation), size, kind,
        {"operation": operation, "count": count or COUNTS[operation]})
