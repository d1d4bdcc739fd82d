# SPDX-License-Identifier: LGPL-2.1-or-later
"""Root file systems other than ext4, made without root and without mounts on the host. Tools make
the read-only ones with their contents; the others are made empty, and a guest fills them."""

import os
import subprocess

from rig.disk import disk
from rig.host import arch, kernels
from testlib.slowness import limit

# The size of a root file system in MiB; mkfs.xfs makes none below 300.
KINDS = {"ext4": 192, "btrfs": 320, "xfs": 320, "f2fs": 256, "squashfs": 192, "erofs": 192}
FIXED = ("squashfs", "erofs")
# The path of the root in its file system, if it is a subvolume, which rootflags= must name.
INSIDE = {"btrfs": "/@root"}
# The command that finds errors in a partition; ext4 has check_ext4(), and FIXED ones need none.
CHECKS = {"vfat": ["fsck.vfat", "-n"], "btrfs": ["btrfs", "check", "--readonly"],
          "xfs": ["xfs_repair", "-n"],
          "f2fs": ["fsck.f2fs", "--dry-run"]}
# Tools that Debian's static busybox lacks.
TOOLS = ["/usr/bin/chattr"]
FILL = """#!/busybox sh
/busybox mount -t devtmpfs dev /dev
for module in $(/busybox cat /order); do /busybox insmod /$module; done
/busybox mount -t %(kind)s %(more)s /dev/nvme0n1 /mnt && cd /mnt || /busybox poweroff -f
[ -z "%(inside)s" ] || { /btrfs subvolume create "/mnt%(inside)s" && cd "/mnt%(inside)s"; }
/busybox tar -xf /dev/nvme1n1 && /chattr +i %(immutable)s && echo 'all of it is there'
cd / && /busybox umount /mnt && /busybox poweroff -f
"""


def pack(path, work, machine, script, kind):
    """Makes an initramfs whose busybox runs the script, with the modules of a file system."""
    top = os.path.join(work, "filler")
    for name in ("dev", "mnt"):
        os.makedirs(os.path.join(top, name))
    for name in ("lib", "lib64"):
        os.symlink("usr/" + name, os.path.join(top, name))
    files = kernels.insert(machine, os.path.join(work, "modules"), ["nvme", kind])
    disk.run(["cp", "-L", "/usr/bin/busybox"] + files + [top])
    with open(os.path.join(top, "order"), "w", encoding="ascii") as out:
        out.write("".join(os.path.basename(name) + "\n" for name in files))
    for tool in TOOLS + (["/usr/bin/btrfs"] if kind == "btrfs" else []):
        disk.run(["cp", "-L", tool, top])
        for name, file in arch.libraries(arch.HOST, [""], tool).items():
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            disk.run(["cp", "-L", file, os.path.join(top, name)])
    with open(os.path.join(top, "init"), "w", encoding="ascii") as out:
        out.write(script)
    os.chmod(os.path.join(top, "init"), 0o755)
    disk.run(["sh", "-euc", f"find . | cpio --quiet -o -H newc >'{path}'"], cwd=top)


def fill_in_guest(paths, work, machine, script, kind):
    """Boots a guest that fills the file system in the files `paths` from work/content.tar."""
    initrd = os.path.join(work, "filler.img")
    pack(initrd, work, machine, script, kind)
    words = machine["qemu"].split() + ["-nodefaults", "-no-user-config", "-display", "none",
                                       "-no-reboot", "-serial", "stdio"]
    for number, file in enumerate([paths[0], os.path.join(work, "content.tar")] + paths[1:]):
        words += ["-drive",
                  f"file={file.replace(',', ',,')},format=raw,if=none,id=d{number},cache=unsafe",
                  "-device", f"nvme,drive=d{number},serial={number}"]
    words += ["-kernel", kernels.kernel(machine)[1], "-initrd", initrd, "-append",
              f"console={machine['console']} panic=-1"]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, timeout=limit(300))
    if b"\nall of it is there" not in done.stdout:
        raise RuntimeError(f"no {kind} was made: {done.stdout.decode(errors='replace')[-2000:]}")


def make(paths, part, directory, cell, work, immutable):
    """Makes the cell's root file system in the files `paths`, of the partition's size."""
    path = paths[0]
    kind, label = cell["disk"]["filesystem"], cell["disk"]["label"]
    if kind == "squashfs":
        disk.run(["mksquashfs", directory, path, "-quiet", "-no-progress", "-all-root", "-comp",
                  "lz4"])
    elif kind == "erofs":
        disk.run(["mkfs.erofs", "--quiet", "--all-root", "-U", part["uuid"], path, directory])
    else:
        for file in paths:
            with open(file, "wb") as out:
                out.truncate(part["size"])
        if kind in ("btrfs", "f2fs"):
            disk.run(["mkfs." + kind, "-q", "-L" if kind == "btrfs" else "-l", label, "-U",
                      part["uuid"]] + paths)
        else:
            disk.run(["mkfs.xfs", "-q", "-L", label, "-m", "uuid=" + part["uuid"], path])
        # Status 1 means that files changed: other cells have made links to the repository's files.
        disk.run(["sh", "-c", "tar --numeric-owner --record-size=1M -C \"$0\" -cf content.tar . || "
                  "[ $? = 1 ]", directory], cwd=work)
        fill_in_guest(paths, work, cell["machine"], FILL % {
            "kind": kind, "more": "-o device=/dev/nvme2n1" if paths[1:] else "", "inside": INSIDE.get(kind, ""), "immutable": " ".join(
                "." + name for name in immutable)}, kind)


def fill(image, parts, directory, cell, work, immutable):
    """Makes the cell's root file system in its partitions, with the contents of `directory`. The
    directories `immutable` get the immutable flag, as libostree sets it."""
    if cell["disk"]["filesystem"] == "ext4":
        disk.fill(image, parts[0], directory, cell["disk"]["label"])
        disk.make_immutable(image, parts[0], immutable)
        return
    paths = [os.path.join(work, f"filesystem-{part['number']}") for part in parts]
    make(paths, parts[0], directory, cell, work, immutable)
    for path, part in zip(paths, parts):
        disk.run(["dd", "if=" + path, "of=" + image, "bs=1M", "conv=notrunc,sparse",
                  f"seek={part['start'] // disk.MIB}"])


def same(image, pristine, part):
    """Whether a partition has the same bytes in both images."""
    return subprocess.run(["cmp", "--quiet", f"--ignore-initial={part['start']}",
                           f"--bytes={part['size']}", image, pristine],
                          check=False).returncode == 0


def state(image, part, kind):
    """(clean, needs recovery, complaints of its checker) for the file system in a partition."""
    if kind == "ext4":
        return disk.superblock_state(image, part) + (disk.check_ext4(image, part),)
    if kind in FIXED:
        return True, False, ""
    path = image + ".part"
    disk.run(["dd", "if=" + image, "of=" + path, "bs=1M", "conv=sparse",
              f"skip={part['start'] // disk.MIB}", f"count={part['size'] // disk.MIB}"])
    done = subprocess.run(CHECKS[kind] + [path], text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    os.unlink(path)
    return True, False, done.stdout.strip() if done.returncode else ""
