#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rootstock-mkinitramfs on a kernel's tree with one hostile object of each kind in each place, and
with hostile names in modules and in their lists. Opened files, which strace sees (hostiletree.py),
and the content of the image show whether it left the tree."""
import os
import shutil
import subprocess
import sys

import fakekernel
from fakekernel import KVER, MAKER, files, image, make, moduledir, tap, tree

from testlib import hostiletree

MODULES = f"usr/lib/modules/{KVER}"
LISTS = ["modules.dep.bin", "modules.alias.bin", "modules.softdep", "modules.symbols.bin",
         "modules.builtin.bin", "modules.builtin.alias.bin"]
FIRMWARE = ["maker/plain.bin", "maker/packed.bin.xz", "wild/x-1.bin", "wild/x-2.bin"]
WORDS = ["--module", "mid_dle", "--module", "firm", "--module", "wild", "--compress", "none"]


def kernel(where):
    """The fake kernel in a tree next to its twin. The twin's modules end with the mark, because
    they are binary; its lists are the same."""
    files_of = {"etc/passwd": b"root\n"}
    for name in LISTS + [f"kernel/{name}" for name in (
            "firm.ko", "wild.ko", "base.ko", "mid-dle.ko.xz")]:
        files_of[f"{MODULES}/{name}"] = tap.read(f"{moduledir(tree())}/{name}")
    for name in FIRMWARE:
        files_of[f"usr/lib/firmware/{name}"] = tap.read(f"{tree()}/lib/firmware/{name}")
    made = hostiletree.Tree(where, files_of, {"lib": "usr/lib"}, mark=put_mark)
    os.mkdir(where + "/tmp")
    return made


def put_mark(path, content):
    """The twin's content: a list as it is, a module or firmware with the mark at its end."""
    return content if "/modules." in path else content + hostiletree.MARK


def command(made):
    return ["env", f"TMPDIR={made.where}/tmp", MAKER, "-o", made.where + "/image", "--init",
            tree() + "/init", "--moduledir", f"{made.root}/{MODULES}", *WORDS]


def nothing(where):
    """Without a hostile object the image is the same as from the plain fake kernel."""
    made = kernel(where)
    assert not list(made.judge(command(made)))
    assert tap.read(where + "/image") == image(where, *WORDS)


def hostile(where, kind):
    made = kernel(where)
    wrong = made.run(kind, [place for place in made.places if place.startswith("usr/lib")],
                     [command(made)], out={made.where + "/image": b""})
    left = os.listdir(where + "/tmp")
    return wrong + [f"left in TMPDIR: {left}"] * bool(left)


def inner_links(where):
    """Symlinks inside the tree are followed, absolute ones from the tree's top."""
    made = kernel(where)
    firmware, modules = made.root + "/usr/lib/firmware", f"{made.root}/{MODULES}"
    os.makedirs(made.root + "/etc/alternatives")
    os.symlink("/usr/share/plain.bin", made.root + "/etc/alternatives/plain")
    os.mkdir(made.root + "/usr/share")
    os.rename(firmware + "/maker/plain.bin", made.root + "/usr/share/plain.bin")
    os.symlink("/etc/alternatives/plain", firmware + "/maker/plain.bin")
    os.rename(firmware + "/wild", made.root + "/usr/share/wild")
    os.symlink("../../share/wild", firmware + "/wild")
    os.rename(modules + "/kernel", made.root + "/usr/share/kernel")
    os.symlink("/usr/share/kernel", modules + "/kernel")
    os.rename(modules + "/modules.dep.bin", made.root + "/usr/share/list")
    os.symlink("../../../share/list", modules + "/modules.dep.bin")
    os.symlink(KVER, made.root + "/usr/lib/modules/current")
    wanted = image(where, *WORDS)
    for name in (modules, f"{made.root}/lib/modules/{KVER}", made.root + "/lib/modules/current"):
        assert image(where, "--moduledir", name, *WORDS) == wanted, name
    os.symlink(modules, where + "/mine")
    assert image(where, "--moduledir", where + "/mine", *WORDS) == wanted


def with_modules(where, lines):
    """A tree with a module for each line of .modinfo, which is written as in a C string."""
    for number, line in enumerate(lines):
        fakekernel.MODULES[f"evil{number}"] = ([], [line])
    try:
        return fakekernel.built(where)
    finally:
        for number, _ in enumerate(lines):
            del fakekernel.MODULES[f"evil{number}"]


def refuses(where, words, *parts, **options):
    """The program ends with 1 and one line without control characters, and creates no file."""
    status, printed, said = make("-o", where + "/image", *words, TMPDIR=where, **options)
    assert (status, printed, len(said)) == (1, b"", 1), (words, status, printed, said)
    assert all(part in said[0] for part in parts), (words, said)
    assert not list(hostiletree.raw(said[0].encode("utf-8", "surrogateescape"))), said
    assert os.listdir(where) == [], (words, os.listdir(where))


def names_of_firmware(where):
    """A module's firmware must be a file below a firmware directory, otherwise it is an error."""
    lines = ["/etc/passwd", "../../etc/passwd", "a/../../../x", "..", "wild/..", "*/../../x", "",
             r"a\nb", r"\n", r"\033[2J", r"\302\233x", r"\377", "-rf", "*", "[", r"\\", "wild",
             "wild/", ".", "$(touch x)", "%s%n", "maker/plain.bin/x"]
    root = with_modules(where + "/made", ["firmware=" + line for line in lines])
    tap.write(where + "/made/etc/passwd", hostiletree.MARK)
    os.mkdir(where + "/free")
    for number, line in enumerate(lines):
        refuses(where + "/free", ["--module", f"evil{number}"], f"module evil{number}.ko needs",
                root=root)
        # With --skip-firmware there is an image without it.
        found = files(image(where, "--module", f"evil{number}", "--skip-firmware", "*", root=root))
        assert not [name for name in found if name.startswith("lib/firmware")], (line, found)
    assert sorted(os.listdir(where)) == ["free", "image", "made"], os.listdir(where)


def names_of_modules(where):
    """A dependency is only ever the name of a module, never an option, a pattern or a path."""
    lines = ["--help", "-C/etc", "-f/etc/passwd", "*", "../x", r"a\nb", r"\033[2J", ".", "a b",
             "$(touch x)"]
    root = with_modules(where + "/made", ["depends=" + line for line in lines])
    os.mkdir(where + "/free")
    for number, line in enumerate(lines):
        refuses(where + "/free", ["--module", f"evil{number}"], "has no module ",
                f"which the module evil{number}.ko needs", root=root)


def lists(where):
    """Lists can name only modules below their directory, and cannot run commands."""
    os.mkdir(where + "/free")
    shutil.copytree(tree(), where + "/tree")
    tap.write(where + "/tree/lib/x.ko", b"x")
    for name in ("/etc/passwd", "/etc/x.ko", "$L/../x.ko", "$L/../../x.ko",
                 "$L/kernel/../../../x.ko", "$L/kernel/order", "$L/kernel/.ko/",
                 r"$L/kernel/a\nb.ko", r"$L/kernel/\033[2J.ko", "$L/kernel/*.ko",
                 r"$L/kernel/\302\233.ko", "", "$L/", "$L/kernel/gone.ko"):
        tap.write(where + "/bin/modprobe",
                  b'#!/bin/sh\nL=$2/lib/modules/$4\nprintf "insmod %s\\n"\n' % name.encode())
        os.chmod(where + "/bin/modprobe", 0o755)
        refuses(where + "/free", ["--module", "base"],
                "no gone.ko" if "gone" in name else "modules.dep", root=where + "/tree",
                PATH=where + "/bin:" + os.environ["PATH"])
    # Directives that are valid in modprobe.d but that depmod never writes.
    with open(moduledir(where + "/tree") + "/modules.softdep", "ab") as softdep:
        softdep.write(b"install top touch " + where.encode() + b"/touched\nalias other base\n"
                      b"remove top touch x\nblacklist base\noptions base x=1\n")
    assert image(where, *WORDS, root=where + "/tree") == image(where, *WORDS)
    refuses(where + "/free", ["--module", "other"], "has no module other", root=where + "/tree")
    assert not os.path.exists(where + "/touched")


def bombs(where):
    """A module or firmware that unpacks to too much is an error, and no image is made."""
    os.mkdir(where + "/free")
    shutil.copytree(tree(), where + "/tree")
    head = subprocess.run("head -c 1100M /dev/zero | xz -0 -c", shell=True, check=True,
                          stdout=subprocess.PIPE).stdout
    tap.write(where + "/tree/lib/firmware/maker/packed.bin.xz", head)
    refuses(where + "/free", ["--module", "firm"], "packed.bin.xz cannot be unpacked",
            root=where + "/tree")
    tap.write(moduledir(where + "/tree") + "/kernel/mid-dle.ko.xz", head)
    refuses(where + "/free", ["--module", "top"], "mid-dle.ko cannot be unpacked",
            root=where + "/tree")


def odd_places(where):
    """Blanks, patterns and the like in paths do not change the image."""
    wanted = image(where, *WORDS)
    for name in ("a b", "[x]*?", "$(touch x)", "-o", "x.ko y", "\u00e4\x1b", "a:b", "lib\\modules"):
        odd = f"{where}/{name}"
        shutil.copytree(tree(), odd)
        os.mkdir(odd + "/tmp")
        assert image(odd, *WORDS, root=odd, TMPDIR=odd + "/tmp") == wanted, name
        assert not os.listdir(odd + "/tmp"), name
        done = subprocess.run(
            [MAKER, "-o", "image", "--init", "init", "--moduledir", f"lib/modules/{KVER}",
             "--firmware", "lib/firmware", *WORDS], cwd=odd, check=False, capture_output=True,
            env=dict(fakekernel.FIXED, TMPDIR="tmp"))
        assert (done.returncode, done.stderr) == (0, b""), done
        assert tap.read(odd + "/image") == wanted, name
    os.mkdir(where + "/a\nb")
    for there in (where + "/none", where + "/image", where + "/a\nb"):
        status, _, said = make("-o", where + "/new", TMPDIR=there)
        assert (status, len(said)) == (1, 1) and "cannot work in " in said[0], said


if __name__ == "__main__":
    TESTS = [("a tree without hostile objects", nothing), *hostiletree.tests(hostile),
             ("links inside the tree", inner_links), ("names of firmware", names_of_firmware),
             ("names of modules", names_of_modules), ("lists of modules", lists),
             ("packed files that unpack to too much", bombs), ("odd paths", odd_places)]
    if not shutil.which("strace"):
        TESTS = tap.skipped(TESTS, "strace not installed")
    sys.exit(tap.main(TESTS))
