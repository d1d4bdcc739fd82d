# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tiny fake kernel for tests of rootstock-mkinitramfs: modules that contain only what kmod reads,
and the lists that depmod makes of them; and a reader of images."""
import functools
import gzip
import os
import re
import shutil
import subprocess
import tempfile

from testlib import tap

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# SOURCE_DATE_EPOCH of the caller must not affect these images.
FIXED = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
MAKER = os.path.join(TOP, "initramfs/rootstock-mkinitramfs")
KVER = "1.2.3-fake"
FILE, PROGRAM, LINK = 0o100644, 0o100755, 0o120777
TOOLS = {"cpio": "cpio", "modprobe": "kmod", "lz4": "lz4", "zstd": "zstd", "xz": "xz-utils",
         "mkimage": "u-boot-tools", "busybox": "busybox-static", "mkfs.ext4": "e2fsprogs"}
# Class and machine number in the ELF header of each architecture.
ELF = {"i386": (1, 3), "arm": (1, 40), "x86_64": (2, 62), "arm64": (2, 183), "riscv64": (2, 243)}
# name: (dependencies, lines of .modinfo). The file's name may have "-" for "_".
MODULES = {
    "base": ([], []),
    "mid-dle": (["base"], []),
    "top": (["mid_dle"], ["softdep=pre: before post: after", "alias=fs-topfs"]),
    "before": ([], []),
    "after": ([], []),
    "firm": ([], ["firmware=maker/plain.bin", "firmware=maker/packed.bin"]),
    "wild": ([], ["firmware=wild/x-*.bin"]),
    "orphan": ([], ["depends=gone"]),
    "lost": ([], []),
    "loser": (["lost"], []),
    "ext4": ([], []),
    "disk": ([], ["alias=fake:disk*"]),
    "diskalso": ([], ["alias=fake:disk*"]),
    "bus": ([], ["alias=fake:bus"]),
    "nvme": ([], []),
}
PACKED = {"mid-dle": "xz", "before": "zstd"}


def source(name):
    """The C source of a module: its exports, dependencies and .modinfo."""
    needs, lines = MODULES[name]
    own = name.replace("-", "_")
    if needs:
        lines = lines + ["depends=" + ",".join(needs)]
    text = f'char exports[] __attribute__((section("__ksymtab_strings"))) = "{own}_symbol";\n'
    for number, line in enumerate(lines + [f"name={own}"]):
        text += f'char line{number}[] __attribute__((section(".modinfo"))) = "{line}";\n'
    for number, needed in enumerate(needs):
        text += f"extern int {needed}_symbol; int *use{number} = &{needed}_symbol;\n"
    return text


def built(where):
    """Makes the tree lib/modules/KVER and lib/firmware in the directory."""
    missing = [package for tool, package in TOOLS.items()
               if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
    if missing:
        raise tap.Skip(" ".join(missing) + " not installed")
    folder = os.path.join(where, "lib/modules", KVER)
    for name in MODULES:
        path = os.path.join(folder, "kernel", name + ".ko")
        tap.write(path + ".c", source(name).encode())
        subprocess.run(["gcc", "-c", "-o", path, path + ".c"], check=True)
        os.unlink(path + ".c")
        if name in PACKED:
            subprocess.run([PACKED[name], "-q", "-k", path], check=True)
            os.rename(path, os.path.join(where, name + ".ko"))
        else:
            shutil.copy(path, where)
    tap.write(folder + "/modules.order", b"")
    tap.write(folder + "/modules.builtin", b"kernel/inside.ko\n")
    tap.write(folder + "/modules.builtin.modinfo",
              b"inside.alias=fs-insidefs\0inside.file=inside\0")
    subprocess.run(["/usr/sbin/depmod", "-b", where, KVER], check=True)
    os.unlink(folder + "/kernel/lost.ko")
    for name in ("maker/plain.bin", "wild/x-1.bin", "wild/x-2.bin", "wild/other.bin"):
        tap.write(where + "/lib/firmware/" + name, name.encode())
    tap.write(where + "/packed.bin", b"packed")
    subprocess.run(["xz", where + "/packed.bin"], check=True)
    os.rename(where + "/packed.bin.xz", where + "/lib/firmware/maker/packed.bin.xz")
    tap.write(where + "/init", b"#!init")
    os.chmod(where + "/init", 0o700)
    return where


def of_machine(content, arch):
    """The content of an ELF file, with the architecture in its header changed."""
    kind, number = ELF[arch]
    return content[:4] + bytes([kind]) + content[5:18] + number.to_bytes(2, "little") + content[20:]


KEPT = tempfile.TemporaryDirectory()


@functools.cache
def tree():
    """The fake kernel, made once; tests that change it use a copy."""
    os.chmod(KEPT.name, 0o755)
    return built(KEPT.name)


def moduledir(where):
    return os.path.join(where, "lib/modules", KVER)


def ash():
    """The command that runs a script in busybox's shell, with real programs instead of applets."""
    names = ("modprobe", "modinfo", "cpio", "gzip", "lz4", "zstd", "xz", "sync")
    return ["busybox", "sh", "-c", "".join('%s() { %s "$@"; }\n' % (name, shutil.which(
        name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")) for name in names) + '. "$0"']


def make(*words, root=None, shell=("dash",), path=None, **environment):
    """(status, standard output, lines of standard error) of rootstock-mkinitramfs."""
    root = root or tree()
    known = ["--init", root + "/init", "--moduledir", moduledir(root)]
    return run(shell, path or MAKER, *known, *words, **environment)


def run(shell, *words, **environment):
    done = subprocess.run([*shell, *words], check=False, env=dict(FIXED, **environment),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stdout, done.stderr.decode().splitlines()


def image(where, *words, **options):
    """The bytes of an image, which must be made without any output."""
    out = os.path.join(where, "image")
    status, printed, said = make("-o", out, *words, **options)
    assert (status, printed, said) == (0, b"", []), (status, printed, said)
    return tap.read(out)


def unpacked(data):
    """The archive of an image, as the kernel would unpack it."""
    for start, command in ((b"\x02\x21\x4c\x18", "lz4"), (b"\x28\xb5\x2f\xfd", "zstd")):
        if data.startswith(start):
            return subprocess.run([command, "-dqc"], input=data, check=True,
                                  stdout=subprocess.PIPE).stdout
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def members(archive, mtime=0):
    """{name: (mode, content)} of a newc archive; all other header fields must have fixed values."""
    found, at = {}, 0
    while True:
        assert archive[at:at + 6] == b"070701", at
        inode, mode, user, group, _, made, size, major, minor, _, _, length, _ = (
            int(archive[at + 6 + 8 * n:at + 14 + 8 * n], 16) for n in range(13))
        name = archive[at + 110:at + 110 + length - 1].decode()
        begin = (at + 110 + length + 3) & ~3
        at = (begin + size + 3) & ~3
        if name == "TRAILER!!!":
            assert not archive[at:].strip(b"\0"), "there is data after the archive"
            return found
        assert (inode, user, group, major, minor) == (len(found), 0, 0, 0, 0), name
        assert made == mtime, (name, made)
        assert not found or name > list(found)[-1], name
        found[name] = (mode, archive[begin:begin + size])


def files(data):
    """{name: content} of everything in an image except directories."""
    return {name: content for name, (mode, content) in members(unpacked(data)).items()
            if mode >> 12 != 4}


def order(data):
    """The lines of the list of modules."""
    return files(data)["modules/order"].decode().splitlines()


def modinfo(content, key):
    """The values of a key in a module's .modinfo."""
    return [value.decode() for value in re.findall(rb"(?<=\0)%s=([^\0]*)\0" % key, content)]
