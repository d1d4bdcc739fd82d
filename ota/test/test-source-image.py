#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ota/source-image.c reads file systems and disks that mke2fs, mkfs.vfat and sfdisk made, exactly;
broken and hostile ones end in one sentence."""
import functools
import hashlib
import os
import random
import re
import shutil
import stat
import struct
import subprocess
import sys
import zlib

from testlib import tap
from testlib.slowness import limit

SHOW = os.path.join(tap.BUILD, "ota/test/show-source")
TIME = 1600000000
MIB = 1 << 20
# Those of the file systems that must read alike.
KINDS = {
    "ext4": ["-t", "ext4"],
    "ext3": ["-t", "ext3"],
    "ext2": ["-t", "ext2"],
    "inodes of 128 bytes": ["-t", "ext4", "-I", "128", "-O", "^metadata_csum"],
    "inline_data": ["-t", "ext4", "-O", "inline_data"],
    "ea_inode": ["-t", "ext4", "-O", "ea_inode"],
    "meta_bg": ["-t", "ext4", "-O", "meta_bg,^resize_inode"],
    "bigalloc": ["-t", "ext4", "-O", "bigalloc"],
    "casefold": ["-t", "ext4", "-O", "casefold", "-E", "encoding=utf8"],
    "metadata_csum_seed": ["-t", "ext4", "-O", "metadata_csum_seed"],
    "blocks of 4 KiB": ["-t", "ext4", "-b", "4096"],
}


def run(*command, **options):
    return subprocess.run(command, capture_output=True, check=True, **options).stdout


def show(path, **environment):
    return subprocess.run([SHOW, path], capture_output=True, check=False, timeout=limit(60),
                          env=os.environ | environment)


def entries(path, **environment):
    """The lines by path, in their order."""
    done = show(path, **environment)
    assert done.returncode == 0 and not done.stderr, (done.returncode, done.stderr)
    lines = done.stdout.decode("ascii").splitlines()
    return {line.split(" ")[5]: line for line in lines}


def refused(path, pattern, **environment):
    """Exit 1 with this one sentence, in a bounded time."""
    done = show(path, **environment)
    text = done.stderr.decode("utf-8", "surrogateescape")
    assert done.returncode == 1, (done.returncode, text, done.stdout)
    assert text.count("\n") == 1 and text.endswith("\n") and not text.endswith(".\n"), text
    assert re.search(pattern, text), (pattern, text)


def mke2fs(tree, image, size=16 * MIB, options=("-t", "ext4")):
    with open(image, "wb") as file:
        file.truncate(size)
    run("mke2fs", "-q", "-F", *options, "-d", tree, image)
    return image


def debugfs(image, *commands):
    """Does not believe debugfs's exit status, which is always 0."""
    done = subprocess.run(["debugfs", "-w", "-f", "-", image], capture_output=True, check=True,
                          input="\n".join(commands).encode("utf-8", "surrogateescape"))
    bad = [line for line in done.stderr.decode().splitlines() if not line.startswith("debugfs ")]
    assert not bad, bad


def answer(image, command):
    return run("debugfs", "-R", command, image).decode()


def patch(image, offset, content):
    with open(image, "r+b") as file:
        file.seek(offset)
        file.write(content)


def block_of(image, path, size=1024):
    """Where the first block of a file is."""
    return int(answer(image, f"blocks {path}").split()[0]) * size


def inode_of(image, path):
    """Where the inode of a file is."""
    block, offset = re.search(r"located at block (\d+), offset (0x[0-9a-f]+)",
                              answer(image, f"imap {path}")).groups()
    return int(block) * 1024 + int(offset, 16)


def small(where):
    """A tree with the least of a root file system."""
    tree = where + "/tree"
    tap.write(tree + "/usr/file", b"content")
    tap.write(tree + "/etc/other", b"x" * 5000)
    os.mkdir(tree + "/usr/dir")
    os.symlink("file", tree + "/usr/link")
    os.symlink("t" * 200, tree + "/usr/long")
    return tree


def image_of(where, options=("-t", "ext4", "-O", "^metadata_csum"), size=8 * MIB):
    return mke2fs(small(where), where + "/image", size, options)


def sparse(path, size, pieces):
    with open(path, "wb") as file:
        file.truncate(size)
        for offset, content in pieces.items():
            file.seek(offset)
            file.write(content)


def rich(tree):
    """A tree with all that mke2fs -d can keep."""
    random_bytes = random.Random(1).randbytes
    os.makedirs(tree + "/usr/bin")
    os.makedirs(tree + "/many")
    os.makedirs(tree + "/lost+found")
    os.makedirs(tree + "/var/lost+found")
    tap.write(tree + "/usr/bin/sudo", b"#!sudo")
    tap.write(tree + "/usr/big", random_bytes(3 * MIB + 77))
    tap.write(tree + "/usr/empty", b"")
    tap.write(tree + "/usr/tiny", b"tiny")
    tap.write(tree + "/usr/inline", b"i" * 100)
    tap.write(tree + "/usr/Üñï \n\\x", b"odd")
    sparse(tree + "/usr/sparse", 50 * MIB + 5, {0: b"a", 7 * MIB + 3: random_bytes(100000)})
    sparse(tree + "/usr/hole", 2 * MIB, {})
    for number in range(500):
        tap.write(f"{tree}/many/{number:03}-with-a-longer-name", b"%d" % number)
    os.symlink("usr/bin", tree + "/bin")
    os.symlink("a" * 59, tree + "/fast")
    os.symlink("b" * 60, tree + "/slow")
    os.symlink("c" * 1000, tree + "/longest")
    os.mkfifo(tree + "/fifo")
    os.link(tree + "/usr/tiny", tree + "/usr/zz-tiny")
    os.link(tree + "/usr/tiny", tree + "/a-tiny")
    os.chmod(tree + "/usr/bin/sudo", 0o4755)
    os.chmod(tree + "/usr/tiny", 0o600)
    os.chmod(tree + "/many", 0o3770)
    for top, folders, files in os.walk(tree, topdown=False):
        for name in folders + files:
            os.utime(os.path.join(top, name), (TIME, TIME), follow_symlinks=False)
    os.utime(tree, (TIME, TIME))


def escaped(name):
    """As g_strescape() does."""
    return "".join({10: "\\n", 34: '\\"', 92: "\\\\"}.get(
        byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in os.fsencode(name))


def visit(tree, path=""):
    """The paths in the order of the reader."""
    yield path
    full = os.path.join(tree, path)
    if os.path.isdir(full) and not os.path.islink(full):
        for name in sorted(os.listdir(full), key=os.fsencode):
            below = os.path.join(path, name)
            if below != "lost+found":
                yield from visit(tree, below)


def expected(tree, owner=None, ending=None):
    """The lines for a tree: owner(path) gives UID:GID, ending(path) the attributes."""
    first, lines = {}, []
    for path in visit(tree):
        full = os.path.join(tree, path)
        info = os.lstat(full)
        kind = stat.S_IFMT(info.st_mode)
        letter = {stat.S_IFREG: "-", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFIFO: "p"}[kind]
        who = owner and owner(path) or f"{info.st_uid}:{info.st_gid}"
        size = info.st_size if letter == "-" else 0
        line = f"{letter} {stat.S_IMODE(info.st_mode):04o} {who} {size} " \
               f"{int(info.st_mtime)} {escaped(path)}"
        link = first.setdefault(info.st_ino, path) if letter != "d" and info.st_nlink > 1 else path
        if letter == "l":
            line += f" -> {os.readlink(full)}"
        if link != path:
            line += f" = {escaped(link)}"
        line += ending(path) if ending else ""
        if letter == "-" and link == path:
            line += " sha256=" + hashlib.sha256(tap.read(full)).hexdigest()
        lines.append(line)
    return lines


def same(image, lines):
    done = show(image)
    assert done.returncode == 0, done.stderr
    got = done.stdout.decode("ascii").splitlines()
    wrong = [pair for pair in zip(got, lines) if pair[0] != pair[1]]
    assert not wrong and len(got) == len(lines), (len(got), len(lines), wrong[:5])


def content(options, where):
    """All kinds of files, their order, modes, times, links and content."""
    rich(where + "/tree")
    image = mke2fs(where + "/tree", where + "/image", 32 * MIB, options)
    # mke2fs makes its own top directory, and with inline_data forgets a hole at the end of a file.
    debugfs(image, f"sif /usr/sparse size {50 * MIB + 5}", f"sif / mtime @{TIME}",
            f"sif / uid {os.getuid()}", f"sif / gid {os.getgid()}")
    same(image, expected(where + "/tree"))


def owners(where):
    """Owners of 32 bit, devices, and times before 1970 and after 2038."""
    image = mke2fs(small(where), where + "/image", 8 * MIB, ["-t", "ext4", "-I", "256"])
    debugfs(image, "sif /usr/file uid 4000000000", "sif /usr/file gid 70000",
            "sif /usr/link uid 100001", "cd /usr", "mknod console c 5 1", "mknod disk b 8 300",
            "sif /usr/console mode 020620", "sif /usr/disk uid 65536",
            "sif /usr/dir mode 043775", "sif /usr/dir mtime @0xffffffff",
            "sif /usr/dir mtime_extra 0",
            "sif /etc/other mtime @0x10", "sif /etc/other mtime_extra 1")
    found = entries(image)
    assert found["usr/file"].startswith("- 0644 4000000000:70000 7 "), found["usr/file"]
    assert " 100001:" in found["usr/link"] and found["usr/link"].endswith("usr/link -> file"), found
    assert found["usr/console"].startswith("c 0620 "), found["usr/console"]
    assert re.match(r"b \d+ 65536:0 0 \d+ usr/disk$", found["usr/disk"]), found["usr/disk"]
    assert re.match(r"d 3775 \d+:\d+ 0 -1 usr/dir$", found["usr/dir"]), found["usr/dir"]
    assert f" {(1 << 32) + 16} " in found["etc/other"], found["etc/other"]


def xattrs(options, where):
    """Capabilities, attributes of users and LSMs, in the inode and outside, and ACLs."""
    # VFS_CAP_REVISION_2 with cap_net_raw; four and five entries of an ACL in the kernel's form.
    capability = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
    acl = b"".join([struct.pack("<I", 2), struct.pack("<HHI", 1, 6, 0xffffffff),
                    struct.pack("<HHI", 2, 4, 100000), struct.pack("<HHI", 4, 4, 0xffffffff),
                    struct.pack("<HHI", 8, 5, 7), struct.pack("<HHI", 16, 5, 0xffffffff),
                    struct.pack("<HHI", 32, 0, 0xffffffff)])
    values = {"security.capability": capability, "system.posix_acl_access": acl,
              "trusted.overlay.opaque": b"y", "user.large": bytes(range(256)) * 2,
              "security.selinux": b"system_u:object_r:bin_t:s0\0"}
    for name, value in values.items():
        tap.write(f"{where}/{name}", value)
    image = mke2fs(small(where), where + "/image", 8 * MIB, options)
    debugfs(image, *[f"ea_set -f {where}/{name} /usr/file {name}" for name in values],
            f"ea_set -f {where}/system.posix_acl_access /usr/dir system.posix_acl_default",
            "ea_set /usr/link security.selinux link")
    found = entries(image)
    got = dict(word.split("=") for word in found["usr/file"].split(" ")[6:])
    assert list(got) == sorted(values) + ["sha256"], got
    for name, value in values.items():
        assert got[name] == value.hex(), (name, got[name])
    assert found["usr/dir"].endswith(f" system.posix_acl_default={acl.hex()}"), found["usr/dir"]
    assert found["usr/link"].endswith(f" security.selinux={b'link'.hex()}"), found["usr/link"]
    assert "=" not in found["etc/other"].split(" sha256")[0], found["etc/other"]


def large_xattr(where):
    """An attribute in an inode of its own."""
    def free():
        return int(re.search(r"Free inodes: +(\d+)", answer(image, "stats -h"))[1])

    tap.write(where + "/value", b"v" * 1024)  # debugfs knows no longer ones
    image = image_of(where, ["-t", "ext4", "-O", "ea_inode"])
    before = free()
    debugfs(image, f"ea_set -f {where}/value /usr/file user.long")
    assert free() == before - 1, "no inode for the attribute"
    assert f" user.long={'76' * 1024} " in entries(image)["usr/file"]


def fat(where, files=("vmlinuz", "Sub/Long name Ünï.dtb"), name="fat", size=8 * MIB):
    with open(f"{where}/{name}", "wb") as file:
        file.truncate(size)
    run("mkfs.vfat", "-n", "BOOT", f"{where}/{name}")
    for path in files:
        tap.write(f"{where}/{name}-files/{path}", b"of " + path.encode())
        os.utime(f"{where}/{name}-files/{path}", (TIME, TIME))
    if files:
        tops = sorted({path.split("/")[0] for path in files})
        run("mcopy", "-s", "-m", "-i", f"{where}/{name}",
            *[f"{where}/{name}-files/{top}" for top in tops], "::/",
            env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "MTOOLS_SKIP_CHECK": "1"})
    return f"{where}/{name}"


def disk(where, parts, table="gpt", name="disk", extra=()):
    """parts are images, or sizes of empty partitions, from 1 MiB on; each is of a number of MiB."""
    lines, starts, place = [f"label: {table}", *extra], [], 1
    logical = {4: 1} if table == "dos" and len(parts) > 3 else {}
    for number, part in enumerate(parts):
        size = part if isinstance(part, int) else os.path.getsize(part)
        if number + 1 in logical:
            lines.append(f"start={place}MiB, type=5")
        place += 1 if logical and number >= 3 else 0
        lines.append(f"start={place}MiB, size={size // MIB}MiB")
        starts.append(place * MIB)
        place += size // MIB
    path = f"{where}/{name}"
    with open(path, "wb") as file:
        file.truncate((place + 2) * MIB)
    run("sfdisk", "-q", path, input="\n".join(lines).encode())
    for start, part in zip(starts, parts):
        if not isinstance(part, int):
            patch(path, start, tap.read(part))
    return path


def boot_lines(found):
    return [line for path, line in found.items() if path.split("/")[0] == "boot"]


def disk_with_fat(table, where):
    """A root and a FAT with a kernel, which comes last, as root's; a home and swap do not count."""
    image = image_of(where)
    tree = where + "/home"
    tap.write(tree + "/user/data", b"x")
    home = mke2fs(tree, where + "/home.ext4", 8 * MIB)
    run("mkswap", tap.write_text(where, "swap", "\0" * MIB))
    path = disk(where, [fat(where), where + "/swap", home, 2 * MIB, image], table)
    plain, found = show(image).stdout.splitlines(), list(entries(path).values())
    assert found[:len(plain)] == [line.decode() for line in plain], found
    paths = [(line.split(" ", 5)[0:3], line.split(" ", 5)[5].split(" sha256")[0])
             for line in found[len(plain):]]
    assert paths == [(["d", "0755", "0:0"], "boot"), (["d", "0755", "0:0"], "boot/Sub"),
                     (["-", "0644", "0:0"], "boot/Sub/Long name \\303\\234n\\303\\257.dtb"),
                     (["-", "0644", "0:0"], "boot/vmlinuz")], paths
    line = found[-1].split(" ")
    assert line[4] == str(TIME) and line[6] == "sha256=" + hashlib.sha256(
        b"of vmlinuz").hexdigest(), line


def disk_with_ext_boot(where):
    """An ESP does not count beside a /boot, whose hard links stay together."""
    tree = where + "/boot-tree"
    tap.write(tree + "/vmlinuz-1", b"kernel")
    os.link(tree + "/vmlinuz-1", tree + "/vmlinuz")
    os.makedirs(tree + "/lost+found")
    esp = fat(where, ["EFI/BOOT/BOOTX64.EFI"])
    boot = mke2fs(tree, where + "/boot.ext4", 8 * MIB, ["-t", "ext2"])
    debugfs(boot, "sif /vmlinuz uid 5")
    lines = boot_lines(entries(disk(where, [esp, boot, image_of(where)])))
    assert len(lines) == 3, lines
    assert re.match(r"- 0644 5:\d+ 6 \d+ boot/vmlinuz sha256=", lines[1]), lines
    assert lines[2].endswith(" boot/vmlinuz-1 = boot/vmlinuz"), lines


def no_boot(where):
    """An ESP alone is no /boot; one with systemd-boot's menu is."""
    image, esp = image_of(where), fat(where, ["EFI/BOOT/BOOTX64.EFI"])
    assert not boot_lines(entries(disk(where, [esp, image])))
    loader = fat(where, ["EFI/a.efi", "loader/entries/a.conf"], "loader")
    assert len(boot_lines(entries(disk(where, [loader, image])))) == 6
    empty = fat(where, [], "empty")
    assert not boot_lines(entries(disk(where, [empty, image])))


def large_sectors(where):
    """A GPT for sectors of 4 KiB."""
    image, size, sectors = image_of(where), 4096, 12 * MIB // 4096
    linux = bytes.fromhex("af3dc60f838472478e793d69d8477de4")
    table = (linux + bytes(range(16)) + struct.pack("<QQQ", MIB // size, 9 * MIB // size - 1, 0)
             ).ljust(128 * 128, b"\0")
    header = b"EFI PART" + struct.pack("<IIIIQQQQ16sQIII", 1 << 16, 92, 0, 0, 1, sectors - 1, 6,
                                       sectors - 6, bytes(16), 2, 128, 128, zlib.crc32(table))
    header = header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]
    mbr = bytes(446) + struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff" * 3, 1, sectors - 1)
    sparse(where + "/disk", 12 * MIB, {0: mbr, 510: b"\x55\xaa", size: header, 2 * size: table,
                                      MIB: tap.read(image)})
    assert entries(where + "/disk") == entries(image)


def hybrid(where):
    """A GPT whose MBR names its partitions too."""
    path = disk(where, [image_of(where)])
    patch(path, 446 + 16, struct.pack("<B3sB3sII", 0, b"\0\2\0", 0x83, b"\xff" * 3, 2048, 8 * 2048))
    assert entries(path) == entries(where + "/image")


def odd_names_of_image(where):
    """Names that libext2fs and mtools would take apart."""
    path = disk(where, [fat(where), image_of(where)], name="a?offset=1@@2 b")
    assert boot_lines(entries(path))
    assert entries(mke2fs(where + "/tree", where + "/c?d", 8 * MIB))


def nothing_left(where):
    """No temporary files, whether it worked or not."""
    image, temporary = image_of(where), where + "/tmp"
    os.mkdir(temporary)
    assert entries(disk(where, [fat(where), image]), TMPDIR=temporary)
    looped = loop_in_fat(where)
    refused(disk(where, [looped, image], name="second"), "the FAT", TMPDIR=temporary)
    assert not os.listdir(temporary), os.listdir(temporary)


def loop_in_fat(where):
    """A FAT with two directories that are their own parent."""
    path = fat(where, ["vmlinuz", "aa/x", "aa/bb/x", "aa/cc/x"], "looped")
    data = tap.read(path)
    first = struct.unpack_from("<H", data, data.index(b"AA         ") + 26)[0]
    for name in b"BB         ", b"CC         ":
        patch(path, data.index(name) + 26, struct.pack("<H", first))
    return path


# --- what is refused ------------------------------------------------------------------------------

def broken(commands, pattern, where):
    """An image after commands for debugfs."""
    image = image_of(where)
    debugfs(image, *commands)
    refused(image, pattern)


def cut(where):
    image = image_of(where)
    os.truncate(image, 3 * MIB)
    refused(image, "has been cut")


def cut_disk(where):
    path = disk(where, [fat(where), image_of(where)], "dos")
    os.truncate(path, 12 * MIB)
    refused(path, "partition 2 ends behind the end of the image")
    path = disk(where, [where + "/fat", where + "/image"])
    os.truncate(path, 12 * MIB)
    refused(path, "or it has been cut")


def unknown_feature(where):
    image = image_of(where)
    patch(image, 1024 + 0x63, b"\x40")
    refused(image, "the ext4 cannot be read: .*unsupported feature")


def superblock(offset, content_, pattern, where):
    image = image_of(where)
    patch(image, 1024 + offset, content_)
    refused(image, pattern)


def checksum(where):
    image = image_of(where, ["-t", "ext4", "-O", "metadata_csum"])
    clean = tap.read(image)
    patch(image, inode_of(image, "/usr/file") + 8, b"\x55")
    refused(image, "usr/file cannot be read: Inode checksum does not match")
    tap.write(image, clean)
    patch(image, block_of(image, "/usr") + 60, b"\x55")
    refused(image, "usr cannot be read: Directory block checksum does not match")
    tap.write(image, clean)
    patch(image, 1024 + 0x78, b"other")
    refused(image, "Superblock checksum")


def in_directory(offset, content_, pattern, where):
    """Changes the first block of /usr: ".", "..", then names."""
    image = image_of(where)
    patch(image, block_of(image, "/usr") + offset, content_)
    refused(image, pattern)


def first_name(change, pattern, where):
    """change(where the first file's entry in /usr is, that entry) gives (offset, bytes)."""
    image = image_of(where)
    place = block_of(image, "/usr") + 24
    offset, new = change(tap.read(image)[place:place + 64])
    patch(image, place + offset, new)
    refused(image, pattern)


def too_deep(where):
    image = image_of(where)
    debugfs(image, "cd /usr", *["mkdir " + "d" * 250, "cd " + "d" * 250] * 17)
    refused(image, "directories are too deep")


def many_levels(where):
    """As deep as a path may be."""
    image = image_of(where)
    debugfs(image, "cd /usr", *["mkdir d", "cd d"] * 1000)
    assert len(entries(image)) > 1000


def symlink_with_nul(where):
    image = image_of(where)
    patch(image, inode_of(image, "/usr/link") + 40 + 1, b"\0")
    refused(image, "usr/link is a symlink with a damaged target")


def bad_acl(where):
    for value in (b"\1\0\0\0\2\0\7\0", b"\1\0\0", b"\2\0\0\0", b"\1\0\0\0\1\0\7"):
        tap.write(where + "/acl", value)
        shutil.rmtree(where + "/tree", ignore_errors=True)
        image = image_of(where)
        debugfs(image, f"ea_set -r -f {where}/acl /usr/file system.posix_acl_access")
        refused(image, "attribute system.posix_acl_access of usr/file is damaged")


def short_block(where):
    """A file whose block is behind the end of the image."""
    image = image_of(where, ["-t", "ext2"])
    debugfs(image, "sif /usr/file block[0] 0x7fffffff")
    refused(image, "usr/file cannot be read")


def bad_name(where):
    tree = small(where)
    with open(os.fsencode(tree) + b"/usr/caf\xe9", "wb"):
        pass
    refused(mke2fs(tree, where + "/image", 8 * MIB), "UTF-8")


def holes(where):
    """Few are kept, too large ones are refused."""
    image = image_of(where)
    debugfs(image, "sif /usr/file size 0x20000000")
    assert " 536870912 " in entries(image)["usr/file"]
    for size in "0x200000000", "0x10000000000", "0x7fffffffffff", "0xffffffffffffffff":
        debugfs(image, "sif /usr/file size " + size)
        refused(image, "with usr/file, of \\d+ bytes, its files are far larger")


def no_usr(where):
    tree = where + "/data"
    tap.write(tree + "/usr", b"a file")
    image = mke2fs(tree, where + "/image", 8 * MIB)
    refused(image, "there is no usr/ in it")
    refused(disk(where, [image, fat(where)]), "no partition is an ext2, ext3 or ext4 with usr/")


def usr_symlink(where):
    """It may lead elsewhere."""
    os.makedirs(where + "/tree/system")
    os.symlink("system", where + "/tree/usr")
    assert "usr" in entries(mke2fs(where + "/tree", where + "/image", 8 * MIB))


def two(where):
    image = image_of(where)
    refused(disk(where, [image, MIB, image]), "partitions 1, 3 could each be the root")
    refused(disk(where, [fat(where), image, where + "/fat"]),
            "partitions 1, 3 could each be the /boot, since each has a kernel")


def foreign(where):
    """Other file systems are named."""
    small(where)
    makers = {"btrfs": ["mkfs.btrfs", "-q", "-M"], "XFS": ["mkfs.xfs", "-q"],
              "F2FS": ["mkfs.f2fs", "-q"],
              "squashfs": ["mksquashfs", where + "/tree", where + "/squashfs", "-quiet",
                           "-noappend", "-no-progress"]}
    for name, command in makers.items():
        path = f"{where}/{name}"
        if not shutil.which(command[0]):
            continue
        sparse(path, 320 * MIB, {})
        run(*command, *([path] if name != "squashfs" else []))
        os.truncate(path, 320 * MIB)
        refused(disk(where, [path]), f"but {name} in partition 1, which cannot be read without")
        os.remove(path)
    sparse(where + "/LUKS", 4 * MIB, {0: b"LUKS\xba\xbe\0\1"})
    refused(disk(where, [where + "/LUKS", MIB]), "but LUKS in partition 1, which cannot be read")


def not_an_image(where):
    """Nothing that an MBR or superblock only pretends to be."""
    for number, data in enumerate((bytes(510) + b"\x55\xaa" + bytes(MIB),
                                   bytes(1080) + b"\x53\xef" + bytes(MIB),
                                   bytes(510) + b"\x55\xaa" + bytes(1536),
                                   b"\xff" * 510 + b"\x55\xaa" + b"\xff" * MIB,
                                   random.Random(2).randbytes(510) + b"\x55\xaa" + bytes(MIB))):
        tap.write(f"{where}/{number}", data)
        refused(f"{where}/{number}", "^" + where)


def bad_fat(where):
    """FATs that mcopy would follow for ever, or out of the directory."""
    image = image_of(where)
    refused(disk(where, [loop_in_fat(where), image]), "the FAT ")
    path = fat(where, ["vmlinuz", "a long name.txt"])
    data = tap.read(path)
    patch(path, data.index("a lon".encode("utf-16-le")), "../..".encode("utf-16-le"))
    assert all(line.split(" ")[5].startswith("boot") for line in boot_lines(entries(
        disk(where, [path, image]))))
    patch(path, 0, data[:11] + b"\0\x42" + data[13:100])
    done = show(disk(where, [path, image]))
    assert done.returncode in (0, 1) and done.stderr.count(b"\n") == done.returncode, done


def no_mtools(where):
    path = disk(where, [fat(where), image_of(where)])
    refused(path, "partition 1: it is a FAT, .* mtools is not installed", PATH=where)


def fuzz(where):
    """Damaged metadata ends in a sentence or not at all noticed, but never in a crash."""
    clean = tap.read(image_of(where, ["-t", "ext4", "-O", "^metadata_csum"]))
    tables = {1024: 1024, 2048: 1024, inode_of(where + "/image", "/"): 4096}
    for path in "/", "/usr", "/etc", "/usr/long":
        tables[block_of(where + "/image", path)] = 256

    def once(numbers):
        image = bytearray(clean)
        for _ in range(numbers.choice((1, 3, 10, 100))):
            start, length = numbers.choice(list(tables.items()))
            image[start + numbers.randrange(length)] = numbers.choice((0, 1, 255,
                                                                      numbers.randrange(256)))
        tap.write(where + "/fuzzed", image)
        done = show(where + "/fuzzed")
        assert done.returncode in (0, 1), done
        assert len(done.stderr.splitlines()) == done.returncode, done.stderr

    tap.repeat(2000 if tap.LONG else 100, once)


SIF = {
    "a journal to replay": (["feature needs_recovery"], "not unmounted cleanly; run e2fsck -f"),
    "an unclean state": (["ssv state 0"], "not unmounted cleanly"),
    "errors": (["ssv state 3"], "not unmounted cleanly"),
    "a directory in itself": (["link /usr /usr/loop"], "usr/loop .* wrong|usr/loop is a directory"),
    "a directory twice": (["link /usr/dir /etc/dir"], "usr/dir is a directory that is also|wrong"),
    "the root in a directory": (["link / /usr/root"], "usr/root is a directory that is also"),
    "an encrypted file": (["sif /usr/file flags 0x80800"], "usr/file is encrypted"),
    "no type": (["sif /usr/file mode 0644"], "usr/file is no kind of file"),
    "a removed file": (["sif /usr/file links_count 0"], "usr/file is a removed file"),
    "no extents": (["sif /etc/other block[0] 0"], "etc/other cannot be read: "),
    "too deep extents": (["sif /etc/other block[1] 0xea600004"],
                         "etc/other cannot be read: .*[Ee]xtent header"),
    "a deep directory": (["sif /usr block[1] 0xea600004"], "usr cannot be read: .*xtent header"),
    "a symlink too long": (["sif /usr/link size 5000"], "usr/link is a symlink with an impossible"),
    "a symlink without end": (["sif /usr/link size 0x7fffffffffff"],
                              "usr/link is a symlink with an impossible length"),
    "an empty symlink": (["sif /usr/link size 0"], "usr/link is a symlink with an impossible"),
    "a symlink of no blocks": (["sif /usr/link size 4000"], "usr/link "),
    "attributes nowhere": (["sif /usr/file file_acl 0x7fffffff"],
                           "the extended attributes of usr/file cannot be read"),
    "attributes in a wrong block": (["sif /usr/file file_acl 1"],
                                    "the extended attributes of usr/file cannot be read"),
    "a huge directory": (["sif /usr size 0x7ffffffffc00"], "its files are far larger"),
    "a root that is none": (["sif <2> mode 0100644"], "/ is no directory"),
    "a link to the journal": (["link <8> /usr/journal"], "usr/journal has the number of a hidden"),
}
DIRECTORY = {
    "a wrong ..": (12, struct.pack("<I", 11), "usr has a wrong . or .."),
    "a wrong .": (0, struct.pack("<I", 2), "usr has a wrong . or .."),
    "a length of 0": (4, b"\0\0", "usr is a damaged directory"),
    "a length that is odd": (4, b"\x0d\0", "usr is a damaged directory"),
    "a length beyond the block": (16, b"\0\x10", "usr is a damaged directory"),
    "no entries": (0, bytes(1024), "usr is a damaged directory"),
    "an inode beyond the last": (24, b"\xff\xff\xff\xff", "cannot be read: Illegal inode number"),
    "an inode that is not in use": (24, b"\x80\0\0\0", "usr/.* is a removed file"),
}
NAMES = {
    "a slash": (lambda entry: (8, b"/"), "an impossible name"),
    "a NUL": (lambda entry: (9, b"\0"), "an impossible name"),
    "an empty name": (lambda entry: (6, b"\0"), "an impossible name"),
    "a name beyond its entry": (lambda entry: (6, b"\xff"), "usr is a damaged directory"),
    "a name twice": (lambda entry: (entry[4], entry[:4] + entry[4:8] + entry[8:8 + entry[6]]),
                     "usr has a name twice|usr is a damaged directory"),
}
SUPER = {
    "too many blocks": (4, b"\xff\xff\xff\x7f", "has been cut"),
    "blocks without bound": (4, b"\xff\xff\xff\xff", "has been cut"),
    "tiny groups": (32, b"\1\0\0\0", "damaged|cannot be read"),
    "no groups": (32, b"\0\0\0\0", "damaged|cannot be read"),
    "huge blocks": (24, b"\x40\0\0\0", "damaged|or it has been cut"),
    "no inodes": (0, b"\0\0\0\0", "cannot be read|neither"),
    "odd inodes": (88, b"\x81\0", "cannot be read"),
}

TESTS = [(f"content: {name}", functools.partial(content, options))
         for name, options in KINDS.items()]
TESTS += [("owners, devices and times", owners)]
TESTS += [(f"extended attributes: {name}", functools.partial(xattrs, KINDS[name]))
          for name in ("ext4", "inodes of 128 bytes", "inline_data", "ea_inode")]
TESTS += [("an extended attribute in an inode of its own", large_xattr)]
TESTS += [(f"a disk with a FAT: {table}", functools.partial(disk_with_fat, table))
          for table in ("gpt", "dos")]
TESTS += [("a disk with an ext2 as /boot", disk_with_ext_boot), ("a disk without /boot", no_boot),
          ("sectors of 4 KiB", large_sectors), ("a hybrid MBR", hybrid),
          ("odd names of images", odd_names_of_image), ("many levels", many_levels),
          ("usr is a symlink", usr_symlink), ("holes", holes), ("no files are left", nothing_left)]
TESTS += [("refused: " + name, functools.partial(broken, *case)) for name, case in SIF.items()]
TESTS += [("refused: a directory with " + name, functools.partial(in_directory, *case))
          for name, case in DIRECTORY.items()]
TESTS += [("refused: a directory with " + name, functools.partial(first_name, *case))
          for name, case in NAMES.items()]
TESTS += [("refused: a superblock with " + name, functools.partial(superblock, *case))
          for name, case in SUPER.items()]
TESTS += [("refused: " + name, test) for name, test in [
    ("a cut file system", cut), ("a cut disk", cut_disk), ("an unknown feature", unknown_feature),
    ("wrong checksums", checksum), ("too deep directories", too_deep),
    ("a symlink with a NUL", symlink_with_nul), ("damaged ACLs", bad_acl),
    ("a block behind the end", short_block), ("a name that is not UTF-8", bad_name),
    ("no usr", no_usr), ("two candidates", two), ("other file systems", foreign),
    ("what is no image", not_an_image), ("hostile FATs", bad_fat), ("no mtools", no_mtools)]]
TESTS += [("random damage", fuzz)]
sys.exit(tap.main(TESTS))
