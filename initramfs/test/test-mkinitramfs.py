#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-mkinitramfs on a fake kernel: what an image contains, what is refused, and that the
same input gives the same bytes in any environment and for any user."""
import gzip
import os
import re
import shutil
import subprocess
import sys

import fakekernel
from fakekernel import ELF, FILE, LINK, PROGRAM, files, image, make, members, moduledir, \
    of_machine, order, run, tap, tree, unpacked


def one_file(where):
    """Without modules the image contains only /init, and kmod is not needed."""
    assert members(unpacked(image(where))) == {"init": (PROGRAM, b"#!init")}
    # The last --moduledir counts, and need not exist.
    assert files(image(where, "--moduledir", "/nowhere")) == {"init": b"#!init"}


def refused(sentence, *words, status=1, **options):
    """The program fails with one line that says why, and neither creates nor changes a file."""
    with fakekernel.tempfile.TemporaryDirectory() as where:
        for before in (None, b"old"):
            if before:
                tap.write(where + "/image", before)
            got, printed, said = make("-o", where + "/image", *words, **options)
            assert (got, printed, len(said)) == (status, b"", 1), (got, printed, said)
            assert said[0].startswith("rootstock-mkinitramfs: ") and sentence in said[0], said
            assert os.listdir(where) == (["image"] if before else []), os.listdir(where)
            assert not before or tap.read(where + "/image") == before


def modules(where):
    """Dependencies of a module come before it, once and unpacked; built-in modules add nothing."""
    data = image(where, "--module", "top")
    assert order(data) == ["base.ko", "mid-dle.ko", "before.ko", "top.ko", "after.ko"], order(data)
    for name in order(data):
        content = tap.read(os.path.join(tree(), name) if os.path.exists(os.path.join(tree(), name))
                           else os.path.join(moduledir(tree()), "kernel", name))
        assert files(data)["modules/" + name] == content, name
    assert members(unpacked(data))["modules/top.ko"][0] == FILE
    assert order(image(where, "--module", "fs-topfs", "--module=mid_dle", "--module", "base")) == \
        order(data)
    assert sorted(files(image(where, "--module", "inside", "--module", "fs-insidefs"))) == ["init"]
    assert order(image(where, "--module", "after", "--module", "before")) == \
        ["after.ko", "before.ko"]


def parameters(where):
    """Parameters follow the name of their own module; those of a built-in module, of an alias, or
    of a module that is in the list already are an error."""
    data = image(where, "--module", r"mid_dle a=1 b=\n,'2'", "--module", "top c")
    assert order(data) == ["base.ko", r"mid-dle.ko a=1 b=\n,'2'", "before.ko", "top.ko c",
                           "after.ko"], order(data)
    for words in (["inside x=1"], ["top", "base x=1"], ["fs-topfs x=1"]):
        refused("parameters of " + words[-1].split()[0],
                *[word for name in words for word in ("--module", name)])


def missing(where):
    """A missing module is an error that names what needs it."""
    for name in ("nothing", "--help"):
        refused(f"has no module {name}, which --module names", "--module", name)
    refused("has no module gone, which the module orphan.ko needs", "--module", "orphan")
    refused("has no module lost, which the module loser.ko needs", "--module", "loser")
    refused("has no lost.ko, which its modules.dep names", "--module", "lost")
    # If the start of the path does not exist, the rest is not looked up on the host.
    for nowhere in ("/nowhere", "/no/where" + moduledir(tree())):
        refused("there is no " + nowhere, "--moduledir", nowhere, "--module", "top")
    refused("has no modules.dep.bin: run depmod", "--moduledir", where, "--module", "top")
    shutil.copytree(tree(), where + "/tree")
    tap.write(moduledir(where + "/tree") + "/kernel/mid-dle.ko.xz", b"no such format")
    status, _, said = make("-o", where + "/image", "--module", "top", root=where + "/tree")
    assert status == 1 and "the module mid-dle.ko cannot be unpacked" in said[-1], said
    assert not os.path.exists(where + "/image")


def firmware(where):
    """The firmware that modules name, also by pattern, is in the image, unpacked; the first
    directory that has a file wins."""
    assert files(image(where, "--module", "firm", "--module", "wild")) == {
        "init": b"#!init", "modules/order": b"firm.ko\nwild.ko\n",
        "modules/firm.ko": tap.read(moduledir(tree()) + "/kernel/firm.ko"),
        "modules/wild.ko": tap.read(moduledir(tree()) + "/kernel/wild.ko"),
        "lib/firmware/maker/plain.bin": b"maker/plain.bin",
        "lib/firmware/maker/packed.bin": b"packed",
        "lib/firmware/wild/x-1.bin": b"wild/x-1.bin", "lib/firmware/wild/x-2.bin": b"wild/x-2.bin"}
    own = where + "/own firmware"
    refused("the module firm.ko needs the firmware maker/plain.bin, which is not in " + own,
            "--module", "firm", "--firmware", own)
    tap.write(own + "/maker/plain.bin", b"second")
    tap.write(own + "/" + fakekernel.KVER + "/maker/plain.bin", b"this kernel's")
    refused("the firmware maker/packed.bin", "--module", "firm", "--firmware", own)
    refused("the firmware maker/packed.bin", "--module", "firm", "--firmware", own,
            "--skip-firmware", "packed.bin")
    data = image(where, "--module", "firm", "--firmware", own, "--skip-firmware", "other",
                 "--skip-firmware", "maker/pack*")
    assert files(data)["lib/firmware/maker/plain.bin"] == b"this kernel's"
    assert "lib/firmware/maker/packed.bin" not in files(data)
    data = image(where, "--module", "firm", "--firmware", own, "--firmware",
                 tree() + "/lib/firmware")
    assert files(data)["lib/firmware/maker/plain.bin"] == b"this kernel's"
    assert files(data)["lib/firmware/maker/packed.bin"] == b"packed"
    refused("the firmware wild/x-*.bin", "--module", "wild", "--firmware", own)


def includes(where):
    """Of its mode a file keeps only the executable bit; symlinks are followed."""
    tap.write(where + "/pro:gram", b"program")
    os.chmod(where + "/pro:gram", 0o4711)
    tap.write(where + "/a file ", b"data")
    os.chmod(where + "/a file ", 0o600)
    os.symlink("a file ", where + "/link")
    data = image(where, "--include", where + "/pro:gram:/usr/my bin/x", "--include",
                 where + "/link", "--include", where + "/a file ")
    assert members(unpacked(data)) == {
        where[1:] + "/a file ": (FILE, b"data"), "init": (PROGRAM, b"#!init"),
        "usr": (0o40755, b""), "usr/my bin": (0o40755, b""),
        "usr/my bin/x": (PROGRAM, b"program"),
        **{name: (0o40755, b"") for name in parents(where + "/link")},
        where[1:] + "/link": (FILE, b"data")}
    for sentence, word in (("must begin with a /", "/link:x"), ("the path /x/", "/link:/x/"),
                           ("the path /a/../b", "/link:/a/../b"), ("not a file", "/nothing"),
                           ("has /init already", "/link:/init"), ("not a file", ""),
                           ("where /init/x needs a directory", "/link:/init/x")):
        refused(sentence, "--include", where + word)


def parents(path):
    """The directories above a path, as names in an archive."""
    parts = path.split("/")[1:-1]
    return ["/".join(parts[:n + 1]) for n in range(len(parts))]


def dynamic(where):
    """A program whose dynamic loader is missing gives a warning, and the image is still made."""
    words = ["-o", where + "/image", "--include", "/bin/sh:/sh"]
    status, printed, said = make(*words)
    assert (status, printed, len(said)) == (0, b"", 1), said
    assert "warning: /sh is linked dynamically" in said[0], said
    loader = said[0].split(": ")[3].split()[0]
    assert make(*words, "--include", loader) == (0, b"", [])
    # The byte before the loader's path need not be NUL: on Debian 13 the build ID ends there.
    program = bytearray(tap.read("/bin/sh"))
    program[program.index(loader.encode()) - 1] = 0xff
    tap.write(where + "/sh", program)
    os.chmod(where + "/sh", 0o755)
    assert make(*words[:-1], where + "/sh:/sh") == (status, printed, said)


def with_shell(where):
    """The shell is busybox, and each link to it names one of its applets."""
    found = members(unpacked(image(where, "--shell", shutil.which("busybox"))))
    assert found["bin/busybox"] == (PROGRAM, tap.read(shutil.which("busybox")))
    applets = subprocess.run(["busybox", "--list"], check=True, stdout=subprocess.PIPE,
                             text=True).stdout.split()
    links = {name[4:] for name, (mode, target) in found.items()
             if (mode, target) == (LINK, b"busybox")}
    assert {"sh", "mount", "ls", "reboot"} < links <= set(applets), links - set(applets)
    assert len(found) == len(links) + 3, sorted(found)
    for option in ("--shell", "--init"):
        refused("/etc/passwd is not a program", option, "/etc/passwd")
    refused("has /bin/sh already", "--shell", shutil.which("busybox"), "--include", "/bin/sh")


def one_machine(where):
    """All code in an image is for one architecture: /init, modules, programs, U-Boot's header."""
    program, library = tap.read(shutil.which("busybox")), tap.read("/bin/true")
    module = tap.read(moduledir(tree()) + "/kernel/base.ko")
    assert [content[16] for content in (module, program, library)] == [1, 2, 3]
    for arch in ELF:
        for name, content in (("init", program), ("lib.so", library), ("object.o", module)):
            tap.write(f"{where}/{arch}/{name}", of_machine(content, arch))
        os.chmod(f"{where}/{arch}/init", 0o755)
        shutil.copytree(tree(), f"{where}/{arch}/tree")
        for name in ("base", "firm"):
            path = moduledir(f"{where}/{arch}/tree") + f"/kernel/{name}.ko"
            tap.write(path, of_machine(tap.read(path), arch))
        tap.write(f"{where}/{arch}/tree/lib/firmware/maker/plain.bin",
                  of_machine(program, "riscv64" if arch == "arm" else "arm"))

    def parts(arch):
        """The options that put something for the architecture into an image."""
        file = f"{where}/{arch}/"
        return {"--init": ["--init", file + "init"], "--shell": ["--shell", file + "init"],
                "program": ["--include", file + "init:/x"],
                "library": ["--include", file + "lib.so:/lib/x.so"],
                # The fake modules are 64-bit ELF files, so kmod could not read them as 32-bit ones.
                **({"module": ["--moduledir", moduledir(file + "tree"), "--module", "base",
                               "--module", "firm"]} if ELF[arch][0] == 2 else {}),
                **({"--uboot": ["--uboot", arch]} if arch in ("arm", "arm64") else {})}
    for arch in ELF:
        # All for one architecture, plus firmware and an object file for others, which do not count.
        image(where, *sum(parts(arch).values(), []), "--include",
              f"{where}/riscv64/init:/lib/firmware/x", "--include", f"{where}/i386/object.o:/y")
        for other in set(ELF) - {arch}:
            for one, words in parts(arch).items():
                for two, others in parts(other).items():
                    if one >= two:
                        continue
                    start = [] if "--init" in (one, two) else ["--init", tree() + "/init"]
                    status, _, said = make("-o", where + "/none", *start, *words, *others)
                    assert (status, len(said)) == (1, 1), (one, two, said)
                    assert {arch, other} <= set(re.findall(r" for (\w+)", said[0])), said
                    assert not os.path.exists(where + "/none")
    big = bytearray(of_machine(program, "arm64"))
    big[5], big[16:20] = 2, b"\0\2\0\xb7"
    tap.write(where + "/big", bytes(big))
    refused("big for machine 183 of ELF with 64 bits, big-endian", "--init", where + "/big",
            *parts("arm64")["--shell"])
    refused("is not a program", "--init", where + "/arm/object.o")


def compressions(where):
    """Each format has its own magic number and unpacks to the same archive."""
    plain = image(where, "--compress", "none", "--module", "top")
    assert plain[:6] == b"070701"
    for name, start in (("gzip", b"\x1f\x8b\x08\0\0\0\0\0"), ("lz4", b"\x02\x21\x4c\x18"),
                        ("zstd", b"\x28\xb5\x2f\xfd")):
        data = image(where, "--compress", name, "--module", "top")
        assert data.startswith(start) and unpacked(data) == plain, name
    # The default: gzip, but no compression for an image of one small file.
    assert image(where, "--module", "top").startswith(b"\x1f\x8b")
    assert image(where, "--include", "/etc/passwd:/x").startswith(b"\x1f\x8b")
    assert image(where).startswith(b"070701")
    listed = subprocess.run(["cpio", "-t", "--quiet"], input=plain, check=True,
                            stdout=subprocess.PIPE).stdout.decode().split()
    assert listed == list(members(plain)), listed


def same_bytes(where):
    """The bytes do not depend on shell, environment, umask, time or names of directories."""
    words = ["--module", "top", "--module", "firm", "--include", "/etc/passwd:/x"]
    shutil.copytree(tree(), where + "/other tree")
    os.mkdir(where + "/home")
    os.chmod(where + "/home", 0o2777)
    wanted = {packing: image(where, *words, "--compress", packing)
              for packing in ("none", "gzip", "lz4", "zstd")}
    for packing, options in (
            ("gzip", {"shell": fakekernel.ash()}), ("none", {"shell": ("bash", "--posix")}),
            ("none", {"shell": ("sh", "-c", 'umask 77 && exec dash "$@"', "sh")}),
            ("none", {"shell": ("sh", "-c", 'umask 0 && exec dash "$@"', "sh")}),
            ("lz4", {"root": where + "/other tree"}), ("none", {"TMPDIR": where + "/home"}),
            ("gzip", {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8"}),
            ("gzip", {"GZIP": "-1", "MODPROBE_OPTIONS": "-n -v", "PATH": "/usr/bin:/bin"}),
            ("zstd", {"ZSTD_CLEVEL": "1", "ZSTD_NBTHREADS": "4"})):
        data = image(where, *words, "--compress", packing, **options)
        assert data == wanted[packing], (packing, options)
    later = image(where, *words, SOURCE_DATE_EPOCH="1")
    refused("SOURCE_DATE_EPOCH=today", SOURCE_DATE_EPOCH="today")
    assert members(unpacked(later), 1) == members(unpacked(wanted["gzip"]))


def host_settings(where):
    """The host's modprobe.d and kernel command line have no effect on the image."""
    for tool in ("modprobe", "modinfo"):
        # These tools behave as on a host with such settings, unless they are called with -C.
        tap.write(f"{where}/bin/{tool}", b'#!/bin/sh\nfor w; do [ "$w" != -C ] || c=yes; done\n'
                  b'[ -n "$c" ] || [ %s = modinfo ] || echo "insmod /bad.ko"\n'
                  b'/usr/sbin/%s "$@" | sed "s/^insmod.*/& queues=3 b/"\n' %
                  (tool.encode(), tool.encode()))
        os.chmod(f"{where}/bin/{tool}", 0o755)
    assert image(where, "--module", "top", PATH=where + "/bin:" + os.environ["PATH"]) == \
        image(where, "--module", "top")


def stranger(where):
    """An ordinary user without /usr/sbin in PATH makes the same image."""
    if os.getuid():
        raise tap.Skip("only root can become an ordinary user; you have tried it just now")
    os.chmod(where, 0o777)
    for name in ("rootstock-mkinitramfs", "list-image"):
        shutil.copy(os.path.join(fakekernel.TOP, "initramfs", name), where)
    shutil.copytree(tree(), where + "/tree")
    os.chmod(where + "/tree/init", 0o755)
    wanted = image(where, "--module", "top", "--module", "firm")
    options = {"root": where + "/tree", "path": where + "/rootstock-mkinitramfs",
               "PATH": "/usr/bin:/bin",
               "shell": ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "dash")}
    out = where + "/theirs"
    assert make("-o", out, "--module", "top", "--module", "firm", **options) == (0, b"", [])
    assert tap.read(out) == wanted
    assert os.stat(out).st_mode & 0o777 == 0o644
    os.mkdir(where + "/closed", 0o755)
    status, _, said = make("-o", where + "/closed/image", **options)
    assert (status, len(said)) == (1, 1) and "cannot write" in said[0], said
    os.chmod(where + "/tree/lib/firmware/maker/plain.bin", 0)
    status, _, said = make("-o", where + "/image2", "--module", "firm", **options)
    assert status == 1 and "plain.bin cannot be unpacked" in said[-1], said
    os.chmod(where + "/tree/init", 0o700)
    status, _, said = make("-o", where + "/image2", **options)
    assert (status, len(said)) == (1, 1) and "not a file that can be read" in said[0], said
    assert not os.path.exists(where + "/image2")


def output(where):
    """The image is written completely or not at all, and replaces only files and symlinks."""
    status, printed, said = make("-o", "-")
    assert (status, printed, said) == (0, image(where), []), said
    with open("/dev/full", "wb") as full:
        done = subprocess.run([fakekernel.MAKER, "-o", "-", "--init", tree() + "/init"],
                              stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"cannot write to standard output" in done.stderr, done
    assert os.listdir(where) == ["image"], os.listdir(where)
    os.mkfifo(where + "/device")
    for sentence, name in (("exists and is not a regular file", where),
                           ("exists and is not a regular file", where + "/device"),
                           ("cannot write", where + "/no/image"),
                           ("cannot write", where + "/image/image")):
        status, printed, said = make("-o", name)
        assert (status, printed, len(said)) == (1, b"", 1) and sentence in said[0], said
    os.symlink("nothing", where + "/link")
    assert make("-o", where + "/link") == (0, b"", [])
    assert not os.path.islink(where + "/link")
    # If a tool fails, the old image stays.
    for tool in ("cpio", "gzip", "sync", "mv", "touch"):
        tap.write(f"{where}/{tool}-bin/{tool}", b"#!/bin/sh\nexit 2\n")
        os.chmod(f"{where}/{tool}-bin/{tool}", 0o755)
        tap.write(where + "/image", b"old")
        status, _, said = make("-o", where + "/image", "--compress", "gzip",
                               PATH=f"{where}/{tool}-bin:{os.environ['PATH']}")
        assert (status, len(said)) == (1, 1) and "cannot" in said[0], (tool, status, said)
        assert tap.read(where + "/image") == b"old", tool
        assert not [name for name in os.listdir(where) if name.startswith(".")], tool


def alike(where):
    """An image keeps owner and mode of the one that it replaces; an operation that the file system
    does not support is not an error, but an I/O error is."""
    out = where + "/image"
    tap.write(out, b"old")
    os.chmod(out, 0o640)
    if not os.getuid():
        os.chown(out, 1, 2)
    wanted = os.stat(out)
    image(where)
    found = os.stat(out)
    assert (found.st_mode, found.st_uid, found.st_gid) == (
        wanted.st_mode, wanted.st_uid, wanted.st_gid), found
    for number, (tool, words, status) in enumerate((
            ("sync", "Invalid argument", 0), ("chmod", "Operation not permitted", 0),
            ("chown", "Operation not permitted", 0), ("sync", "Input/output error", 1))):
        folder = f"{where}/{number}"
        # Fail only for the output file, because chmod is also used for /init.
        tap.write(f"{folder}/{tool}", f'#!/bin/sh\ncase "$*" in\n*/.rootstock*) echo "{tool}: {words}"'
                  f' >&2 && exit 1 ;;\nesac\nexec {shutil.which(tool)} "$@"\n'.encode())
        os.chmod(f"{folder}/{tool}", 0o755)
        got, _, said = make("-o", out, PATH=f"{folder}:{os.environ['PATH']}")
        assert (got, len(said)) == (status, status), (tool, got, said)
        assert not status or f"cannot write {out}: sync: {words}" in said[0], said


def unheard(where):
    """The image is made even if its warnings cannot be written to stderr."""
    command = [fakekernel.MAKER, "-o", where + "/image", "--init", tree() + "/init", "--include",
               "/bin/true:/true"]
    for script in ('exec "$@" 2>&-', 'exec "$@" 2>/dev/full', 'exec "$@" <&- 2>&-'):
        subprocess.run(["sh", "-c", script, "sh", *command], check=True, stderr=subprocess.DEVNULL)
        os.unlink(where + "/image")
    read, write = os.pipe()
    os.close(read)
    os.mkdir(where + "/tmp")
    subprocess.run(command, check=True, stderr=write, env=dict(fakekernel.FIXED,
                                                               TMPDIR=where + "/tmp"))
    os.close(write)
    assert os.path.exists(where + "/image") and not os.listdir(where + "/tmp")


def no_room(where):
    """If TMPDIR fills up, whenever that is, the message says so and no incomplete image is left."""
    namespace = ["unshare", "--mount"] + (["--map-root-user"] if os.getuid() else [])
    if subprocess.run([*namespace, "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        raise tap.Skip("no mount namespace can be made here")
    words = ["--module", "top", "--module", "firm", "--compress", "none"]
    wanted = image(where, *words)
    os.mkdir(where + "/small")
    for option in ("nr_inodes=%d", "size=%dk"):
        failed = 0
        for number in [*range(2, 30, 4), *range(32, 1000, 32)]:
            script = 'mount -t tmpfs -o "$1" x "$2" && shift 2 && exec "$@"'
            status, _, said = make(
                "-o", where + "/image", *words, TMPDIR=where + "/small",
                shell=(*namespace, "sh", "-c", script, "sh", option % number, where + "/small",
                       "dash"))
            if not status:
                break
            assert (status, len(said)) == (1, 1), (option % number, status, said)
            assert "no room in " in said[0] or "cannot work in " in said[0], (option % number, said)
            failed += 1
        assert failed > 5, (option, failed)
        assert tap.read(where + "/image") == wanted, option


def called_wrongly(where):
    """A wrong call ends with status 2 and one line, and makes nothing."""
    for sentence, words in (
            ("-o OUT is missing", []),
            ("--nonsense is not known; see", ["-o", where + "/x", "--nonsense"]),
            ("--moduel is not known (did you mean --module?); see", ["--moduel", "btrfs"]),
            ("--fimware is not known (did you mean --firmware?); see", ["--fimware=/x"]),
            ("--liist is not known (did you mean --list?); see", ["--liist", "x"]),
            ("--kompreso is not known; see", ["--kompreso"]),
            ("file is not known", ["file"]), ("--module needs a value", ["--module"]),
            ("--kernel needs a value", ["--kernel="]), ("--init needs a value", ["--init", ""]),
            ("line break", ["--module", "a\nb"]),
            ("--compress is none", ["-o", where + "/x", "--compress", "xz"]),
            ("--kernel ../x is not a version", ["-o", where + "/x", "--kernel", "../x"]),
            ("--uboot is arm or", ["-o", where + "/x", "--uboot", "x86"])):
        status, printed, said = run(("dash",), fakekernel.MAKER, *words)
        assert (status, printed, len(said)) == (2, b"", 1) and sentence in said[0], (words, said)
        assert not os.listdir(where)
    status, printed, said = run(("dash",), fakekernel.MAKER, "--help")
    assert status == 0 and printed.startswith(b"usage: rootstock-mkinitramfs") and not said
    version = re.search(r"^VERSION := (.+)$", tap.read(fakekernel.TOP + "/Makefile").decode(), re.M)
    assert run(("dash",), fakekernel.MAKER, "--version") == (
        0, b"rootstock-mkinitramfs (rootstock) %s\n" % version[1].encode(), [])
    status, _, said = run(("dash",), fakekernel.MAKER, "-o", where + "/x", "--init", "/none")
    assert (status, len(said)) == (1, 1) and "there is no /none" in said[0], said


def make_ext4(path):
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-F", "-O", "^has_journal", path, "1M"],
                   check=True, stdout=subprocess.DEVNULL)


def auto(where):
    """--auto adds the modules that drive a device, those that could drive it, and its file
    system's."""
    sysfs = where + "/sys"
    disk = sysfs + "/devices/bus0/disk0/block/d0/d0p1"
    os.makedirs(disk)
    os.makedirs(sysfs + "/dev/block")
    os.symlink("../../devices/bus0/disk0/block/d0/d0p1", sysfs + "/dev/block/0:0")
    tap.write(sysfs + "/devices/bus0/modalias", b"fake:bus\n")
    tap.write(sysfs + "/devices/bus0/disk0/modalias", b"fake:disk7\n")
    device = where + "/device"
    subprocess.run(["/usr/sbin/mkfs.ext4", "-q", "-O", "^has_journal", device, "1M"], check=True,
                   stdout=subprocess.DEVNULL)

    def drives(folder, module, loaded):
        os.makedirs(f"{sysfs}/module/{module}", exist_ok=True)
        os.makedirs(f"{sysfs}/drivers/{module}", exist_ok=True)
        if loaded:
            tap.write(f"{sysfs}/module/{module}/initstate", b"live")
        os.symlink(f"{sysfs}/module/{module}", f"{sysfs}/drivers/{module}/module")
        os.symlink(f"{sysfs}/drivers/{module}", f"{folder}/driver")

    def made():
        return order(image(where, "--auto", device, ROOTSTOCK_SYSFS=sysfs))
    assert made() == ["bus.ko", "disk.ko", "diskalso.ko", "ext4.ko"] or \
        made() == ["bus.ko", "diskalso.ko", "disk.ko", "ext4.ko"], made()
    drives(sysfs + "/devices/bus0/disk0", "mid_dle", True)
    both = {"bus.ko", "base.ko", "mid-dle.ko", "disk.ko", "diskalso.ko", "ext4.ko"}
    assert set(made()) == both, made()
    # Drivers built into this kernel: the image's kernel has one as a module, and lacks the other.
    drives(sysfs + "/devices/bus0", "after", False)
    drives(sysfs + "/devices/bus0/disk0/block/d0", "strange", False)
    assert set(made()) == both | {"after.ko"}, made()
    tap.write(sysfs + "/module/strange/initstate", b"live")
    refused(f"has no module strange, which {device} needs", "--auto", device, ROOTSTOCK_SYSFS=sysfs)
    # A file system for which the kernel has no module; then no file system at all.
    os.unlink(sysfs + "/module/strange/initstate")
    subprocess.run(["/usr/sbin/mkswap", device], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    refused(f"has no module swap, which {device} needs", "--auto", device, ROOTSTOCK_SYSFS=sysfs)
    tap.write(device, bytes(1 << 20))
    refused("blkid finds no file system", "--auto", device, ROOTSTOCK_SYSFS=sysfs)
    refused(device + " is not a block device", "--auto", device)
    # A multipath NVMe disk; then a device-mapper device, which rootstock-init cannot set up.
    make_ext4(device)
    os.unlink(sysfs + "/dev/block/0:0")
    head = sysfs + "/devices/virtual/nvme-subsystem/nvme-subsys0"
    os.makedirs(head + "/nvme0n1")
    os.makedirs(sysfs + "/devices/pci/nvme/nvme0")
    drives(sysfs + "/devices/pci", "nvme", True)
    os.symlink("../../../pci/nvme/nvme0", head + "/nvme0")
    os.symlink(head + "/nvme0n1", sysfs + "/dev/block/0:0")
    assert made() == ["nvme.ko", "ext4.ko"], made()
    os.unlink(sysfs + "/dev/block/0:0")
    refused("is not in " + sysfs, "--auto", device, ROOTSTOCK_SYSFS=sysfs)
    os.makedirs(sysfs + "/devices/virtual/block/dm-3")
    os.symlink("../../devices/virtual/block/dm-3", sysfs + "/dev/block/0:0")
    refused("is dm-3, which rootstock-init cannot set up", "--auto", device, ROOTSTOCK_SYSFS=sysfs)


def gz_modules(where):
    """Modules in .ko.gz, which Debian's kmod does not support, are unpacked like the others."""
    content = tap.read(moduledir(tree()) + "/kernel/base.ko")
    shutil.copytree(tree(), where + "/tree")
    tap.write(moduledir(where + "/tree") + "/kernel/base.ko.gz", gzip.compress(content))
    tap.write(where + "/bin/modprobe",
              b'#!/bin/sh\necho "insmod $2/lib/modules/$4/kernel/base.ko.gz "\n')
    os.chmod(where + "/bin/modprobe", 0o755)
    data = image(where, "--module", "base", root=where + "/tree",
                 PATH=where + "/bin:" + os.environ["PATH"])
    assert files(data)["modules/base.ko"] == content and order(data) == ["base.ko"]


if __name__ == "__main__":
    sys.exit(tap.main([
        ("without modules the image is one file", one_file),
        ("modules, their dependencies and their order", modules),
        ("parameters of modules", parameters),
        ("missing modules", missing),
        ("firmware", firmware),
        (".ko.gz", gz_modules),
        ("other files", includes),
        ("programs without their dynamic loader", dynamic),
        ("a shell", with_shell),
        ("one architecture", one_machine),
        ("compression", compressions),
        ("the same bytes", same_bytes),
        ("settings of the host", host_settings),
        ("an ordinary user", stranger),
        ("where the image goes", output),
        ("owner and mode of a replaced image", alike),
        ("stderr that cannot be written", unheard),
        ("a full TMPDIR", no_room),
        ("wrong calls", called_wrongly),
        ("--auto", auto),
    ]))
