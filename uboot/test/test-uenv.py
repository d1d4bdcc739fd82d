#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The uEnv.txt that the generator writes: its fields, the integrator's lines, libostree's hook, and
golden files.

UPDATE=1 in the environment rewrites the golden files; review the diff.
"""
import functools
import os
import sys

import sysroot
from testlib import tap
from testlib.hostile import GOOD, entry
from sysroot import check_says, fails, generate, make, parse, read, write

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
# The name of a golden file, and the options with which it is made.
STYLES = {"uEnv.txt": [], "uEnv-none.txt": ["--boot-prefix", "none"],
          "uEnv-ostree.txt": ["--compat=ostree"]}
OSTREE = "/ostree/boot.1/os/abc/0"
DEPLOYMENT = "/ostree/deploy/os/deploy/c0ffee.0"
OPTIONS = b"root=/dev/sda ostree=" + OSTREE.encode()
STALE = b"init=" + OSTREE.encode() + b"/usr/lib/ostree/ostree-prepare-root"
TOO_LONG = [r"ostree-1\.conf:4: the command line is longer than the kernel accepts; this entry",
            "no menu is written"]


def prepare(where, lines=None, usr=None, etc=None, entries=None):
    """A sysroot whose default entry boots a deployment with these files. Returns OUT."""
    out = make(where, entries or {"ostree-1.conf": entry(OPTIONS)})
    os.makedirs(where + os.path.dirname(OSTREE))
    os.makedirs(where + DEPLOYMENT)
    os.symlink("../../../deploy/os/deploy/c0ffee.0", where + OSTREE)
    for path, text in (("usr/lib/ostree-boot/uEnv.txt", lines),
                       ("usr/lib/rootstock/uboot.conf", usr), ("etc/rootstock/uboot.conf", etc)):
        if text is not None:
            write(f"{where}{DEPLOYMENT}/{path}", text)
    return out


def run(out, *arguments, says=(), **environment):
    """Runs the generator; returns the entries, and the other variables of the file."""
    status, printed, said = generate("-o", out, *arguments, **environment)
    check_says(said, says)
    assert (status, printed) == (0, b""), status
    return parse(read(out))


def golden(name, file, where):
    directory = f"{GOLDEN}/{name}"
    status, uenv, said = generate("-o", "-", "--entries", directory, "--boot-prefix", "/boot",
                                  "--root", where, *STYLES[file])
    assert status == 0 and not said, said
    if os.environ.get("UPDATE"):
        write(f"{directory}/{file}", uenv)
    assert uenv == read(f"{directory}/{file}"), f"differs from {directory}/{file}"


def help_and_usage(where):
    status, printed, said = generate("--help")
    assert (status, said) == (0, []) and b"--append" in printed and b"--compat=ostree" in printed
    fails(["-o", where + "/x", "--compat=qt"], "--compat is ostree, not qt; try --help", status=2)
    fails(["-o", where + "/x", "--append"], "option needs a value: --append", status=2)


def fields(where):
    content = b"title T\nversion 1\nlinux /os/k\noptions a\ninitrd /os/i\ndevicetree /os/d.dtb\n" \
              b"fdtdir /os/dtb\n"
    entries, others = run(make(where, {"ostree-2.conf": content, "ostree-1.conf": GOOD}))
    assert others == {}
    assert entries == [
        {"kernel_image": b"/boot/os/k", "bootdir": b"/boot/os/", "ramdisk_image": b"/boot/os/i",
         "fdt_file": b"/boot/os/d.dtb", "fdtdir": b"/boot/os/dtb", "bootargs": b"a"},
        {"kernel_image": b"/boot/k", "bootdir": b"/boot/", "bootargs": b"a=1"}]
    entries, _ = run(where + "/boot/loader/uEnv.txt", "--boot-prefix", "none")
    assert entries[0]["kernel_image"] == b"/os/k" and entries[0]["bootdir"] == b"/os/", entries
    assert entries[1]["bootdir"] == b"/", entries


def several_initrds(where):
    content = entry(b"a", more=b"initrd /i1\ninitrd /boot/i2\ninitrd i3\n")
    out = make(where, {"ostree-1.conf": content})
    entries, _ = run(out)
    assert entries[0]["ramdisk_image"] == b"/boot/i1", entries
    assert entries[0]["ramdisk_images"] == b"/boot/i1 /boot/i2 /boot/i3", entries
    status, _, said = generate("-o", out, "--compat=ostree")
    check_says(said, [r"conf:7: libostree's own fields have no place for a second initrd; this"])
    assert status == 0
    assert read(out) == b"kernel_image=/boot/k\nramdisk_image=/boot/i1\nbootargs=a\n", read(out)


def paths_that_are_refused(where):
    out = make(where, {"ostree-1.conf": GOOD})
    why = ("a U-Boot script cannot use a path with a blank, a quote, a backslash or a byte 3 in "
           "it")
    for path in (b"/a b", b"/a\tb", b"/a'b", b'/a"b', b"/a\\b", b"/a\rb"):
        for number, key in enumerate((b"linux", b"initrd", b"devicetree", b"fdtdir"), 2):
            write(where + "/boot/loader/entries/ostree-1.conf",
                  b"linux /k\n" * (number - 1) + key + b" " + path + b"\n")
            told = "a path must not contain control characters" if min(path) < 32 else why
            fails(["-o", out], rf"ostree-1\.conf:{number}: {told}; this entry is left", "no menu")
    write(where + "/boot/loader/entries/ostree-1.conf", GOOD)
    fails(["-o", out, "--boot-prefix", "/a b"], rf"ostree-1\.conf:3: {why}", "no menu")


def hook(where):
    """In the hook, where libostree names grub.cfg, uEnv.txt is written next to the entries."""
    make(where, {"ostree-1.conf": entry(b"new")})
    write(where + "/boot/loader.0/entries/ostree-1.conf", entry(b"old"))
    for out in ("/boot/loader.0/grub.cfg", "/boot/efi/EFI/x/grub.cfg.new"):
        os.makedirs(os.path.dirname(where + out), exist_ok=True)
        assert generate("-o", where + out, _OSTREE_GRUB2_BOOTVERSION="0") == (0, b"", [])
        assert b"uEnv.txt" in read(where + out)
        entries, _ = parse(read(where + "/boot/loader.0/uEnv.txt"))
        assert [values["bootargs"] for values in entries] == [b"old"], entries
        os.unlink(where + "/boot/loader.0/uEnv.txt")
    assert not os.path.exists(where + "/boot/loader.1/uEnv.txt")
    # An output with the name uEnv.txt is the menu in the hook too; by hand any name is.
    assert run(where + "/boot/loader.1/uEnv.txt", _OSTREE_GRUB2_BOOTVERSION="1")[0]
    assert os.listdir(where + "/boot/loader.1").count("grub.cfg") == 0
    assert run(where + "/boot/loader.1/grub.cfg")[0]


def hook_without_default(where):
    make(where, {"ostree-2.conf": b"title T\nversion 2\nlinux /k k\n", "ostree-1.conf": GOOD})
    loader = where + "/boot/loader.1"
    fails(["-o", loader + "/grub.cfg"], r"ostree-2\.conf:3: a U-Boot script",
          r"ostree-2\.conf is the entry to be booted next", _OSTREE_GRUB2_BOOTVERSION="1")
    assert os.listdir(loader) == ["entries"], os.listdir(loader)


def settings(where):
    out = prepare(where, usr=b"keep = fdt_file\tfdtdir\n", etc=b"colour=red\n")
    says = [r"etc/rootstock/uboot\.conf:1: there is no setting called colour"]
    assert generate("-o", out)[0] == 0
    found = sysroot.imports(read(out), {name: b"board" for name in (
        b"fdt_file", b"fdtdir", b"fdt_file9", b"ramdisk_image", b"bootargs9")})
    assert {k: v for k, v in found.items() if v == b"board"}.keys() == \
        {b"fdt_file", b"fdtdir", b"fdt_file9"}, found
    # The machine's settings override those of the image.
    write(f"{where}{DEPLOYMENT}/etc/rootstock/uboot.conf", b"keep=\ncolour=red\n")
    says[0] = says[0].replace(":1:", ":2:")
    assert run(out, says=says) == run(out, says=says)
    write(f"{where}{DEPLOYMENT}/usr/lib/rootstock/uboot.conf", b"compat=ostree\n")
    status, _, said = generate("-o", out)
    check_says(said, says)
    assert (status, read(out)) == (0, b"kernel_image=/boot/k\nbootargs=" + OPTIONS + b"\n"), said


def bad_settings(where):
    for number, (text, why) in enumerate((
            (b"keep=fdt", "keep is a list of fields, such as fdt_file and fdtdir, not \"fdt\""),
            (b"keep=fdt_file2", "keep is a list of fields"),
            (b"keep=fdt_file rootstock_complete", "keep is a list of fields"),
            (b"compat=qt", "compat is ostree, not \"qt\""), (b"compat=", "compat is ostree"),
            (b"keep", "this line is neither NAME=VALUE nor a comment"))):
        out = prepare(f"{where}/{number}", usr=b"#\n" + text + b"\n")
        fails(["-o", out], rf"usr/lib/rootstock/uboot\.conf:2: {why}")
        assert not os.path.exists(out)


def kept_although_set(where):
    entries = {"ostree-1.conf": entry(OPTIONS, more=b"devicetree /d\n")}
    out = prepare(where, usr=b"keep=fdt_file\n", entries=entries)
    assert generate("-o", out)[0] == 0
    assert sysroot.imports(read(out), {b"fdt_file": b"board"})[b"fdt_file"] == b"/boot/d"


def lines_from_windows(where):
    """A byte order mark and carriage returns are removed from the integrator's lines, also with
    --compat=ostree."""
    lines = b"fdtfile=a.dtb\n# note\n\nx=long \\\n line\ny=a\rb"
    windows = b"\xef\xbb\xbf" + lines.replace(b"\n", b"\r\n")
    for style in ([], ["--compat=ostree"]):
        for more in ([], ["--append"]):
            menus = []
            for number, content in enumerate((lines, windows)):
                name = f"{where}/{len(style)}{len(more)}{number}"
                out = prepare(name, b"" if more else content)
                write(where + "/more", content)
                assert generate("-o", out, *style, *more, *([where + "/more"] if more else []))[0] == 0
                menus.append(read(out))
            assert menus[0] == menus[1] and b"fdtfile=a.dtb\n" in menus[1], menus
    assert run(prepare(where + "/import", windows))[1] == {
        "fdtfile": b"a.dtb", "x": b"long \n line", "y": b"a\rb"}


def own_device_tree(where):
    """A board's own fdt_file and fdtdir stay, unless an entry of the menu sets the field."""
    board = {b"fdt_file": b"board.dtb", b"fdtdir": b"/board"}
    plain = entry(OPTIONS)
    for more, kept in ((b"", board), (b"devicetree /d\n", {b"fdtdir": b"/board"}),
                       (b"fdtdir /dir\n", {b"fdt_file": b"board.dtb"})):
        for number, entries in enumerate(([plain, entry(OPTIONS, more=more)],
                                          [entry(OPTIONS, more=more), plain])):
            out = make(f"{where}/{len(more)}{number}", {
                f"ostree-{2 - i}.conf": content for i, content in enumerate(entries)})
            assert generate("-o", out)[0] == 0
            for chosen, content in enumerate(entries):
                suffix = b"2" if chosen else b""
                left = sysroot.imports(read(out), {
                    name + suffix: value for name, value in board.items()})
                for name, value in board.items():
                    own = {b"fdt_file": b"/boot/d", b"fdtdir": b"/boot/dir"}[name] \
                        if name.replace(b"fdt_file", b"devicetree") in content else kept.get(name)
                    assert left.get(name + suffix) == own, (name, chosen, left)


def own_lines(where):
    """The deployment's lines come first, then those of --append, which override them."""
    out = prepare(where, b"board=1\nx=a\\\\b\n# note \\\n\n  y=long \\\n line")
    write(where + "/more", b"board=2\nz=end\\")
    expected = {"board": b"1", "x": b"a\\b", "y": b"long \n line"}
    assert run(out)[1] == expected
    assert run(out, "--append", where + "/more")[1] == expected | {"board": b"2", "z": b"end\\"}
    os.symlink("more", where + "/link")
    assert run(out, "--append", where + "/link")[1]["board"] == b"2"
    os.unlink(where + DEPLOYMENT + "/usr/lib/ostree-boot/uEnv.txt")
    assert run(out, "--append", where + "/more")[1] == {"board": b"2", "z": b"end\\"}
    fails(["-o", out, "--append", where + "/no"], "/no cannot be read: No such file")
    fails(["-o", out, "--append", where], "cannot be read: it is not a regular file")
    write(where + "/large", b"#" * 65537)
    fails(["-o", out, "--append", where + "/large"], "/large cannot be read: it has more than 64"
          " KiB")


HOSTILE = {
    "own names": (b"a=1\nbootargs=x\n bootargs2=x\nkernel_image99\nrootstock_complete=\nb=2\n",
                  {"a": b"1", "b": b"2"}, [":2: this variable is set by the menu; it is left out",
                                           ":3: this", ":4: this", ":5: this"]),
    "own name after a backslash in a name": (b"a\\\nbootargs=x\nb=2", {"b": b"2"},
                                              [":2: this variable is set by the menu"]),
    "own name after a comment that ends in a backslash": (
        b"# a=b \\\nbootargs=x\n#\\\nb=2\n", {"b": b"2"}, [":2: this variable"]),
    "own name after an escaped backslash": (b"a=1\\\\\nbootargs=x\n", {"a": b"1\\"},
                                                  [":2: this variable"]),
    "own name inside a value": (b"a=1\\\nbootargs=x\nbootargs=y\n", {"a": b"1\nbootargs=x"},
                                [":3: this variable"]),
    "own name inside a comment": (b"# bootargs=x\n\t#bootargs=y\n", {}, []),
    "almost an own name": (b"bootargs =1\nbootargsx=2\nbootargs2x=3\n",
                           {"bootargs ": b"1", "bootargsx": b"2", "bootargs2x": b"3"}, []),
    "no name": (b"a=1\n=v\nb=2\n", {"a": b"1", "b": b"2"},
                [":2: a line without a name before its \"=\" would end the import"]),
    "no name at the end": (b"a=1\n=", {"a": b"1"}, [":2: a line without a name"]),
    "access rules": (b".flags=a:sr\n.callbacks=\n", {},
                     [":1: a variable that begins with \"\\.\" would control", ":2: a variable"]),
    "lone backslash at the end": (b"a=1\\", {"a": b"1\\"}, []),
    "lone backslash at the end of a name": (b"a=1\nb\\", {"a": b"1"}, []),
    "lone backslash at the end of a comment": (b"a=1\n# x=\\", {"a": b"1"}, []),
    "two backslashes at the end": (b"a=1\\\\", {"a": b"1\\"}, []),
    "blank lines and CR": (b"\n \t\n\r\na=1\r\n", {"a": b"1"}, []),
    "deleting": (b"a=1\na\nb=2\nb=\n", {}, []),
    "empty": (b"", {}, []),
}


def hostile_lines(case, where):
    lines, expected, says = case
    out = prepare(where, lines)
    _, others = run(out, says=[r"usr/lib/ostree-boot/uEnv\.txt" + say for say in says])
    assert others == expected, others
    # The first entry is unchanged.
    assert sysroot.imports(read(out))[b"bootargs"] == OPTIONS


def lines_that_are_no_text(where):
    name = f"{where}{DEPLOYMENT}/usr/lib/ostree-boot/uEnv.txt"
    out = prepare(where, b"a=1\n\0bootargs=x\n")
    write(where + "/more", b"b=2\n")
    for more in ([], ["--append", where + "/more"]):
        fails(["-o", out, *more], r"ostree-boot/uEnv\.txt has a NUL byte, so it is not a text file")
    os.unlink(name)
    os.mkdir(name)
    fails(["-o", out], r"usr/lib/ostree-boot/uEnv\.txt cannot be read: it is not a regular file")
    os.rmdir(name)
    assert not os.path.exists(out)
    # A symlink is resolved in the deployment, wherever it points.
    write(where + "/secret", b"secret=1\n")
    for target in (where + "/secret", "../" * 20 + where + "/secret"):
        os.symlink(target, name)
        assert run(out)[1] == {}
        os.unlink(name)
    write(where + DEPLOYMENT + "/usr/share/u", b"u=1\n")
    os.symlink("/usr/share/u", name)
    assert run(out)[1] == {"u": b"1"}


def lines_of_the_default_entry_only(where):
    entries = {"ostree-2.conf": b"version 2\nlinux /k\n", "ostree-1.conf": entry(OPTIONS)}
    assert run(prepare(where, b"a=1\n", entries=entries))[1] == {}


def stale_init(where):
    content = entry(OPTIONS + b" a " + STALE + b" b -- " + STALE)
    out = prepare(where, entries={"ostree-1.conf": content})
    entries, _ = run(out)
    assert entries[0]["bootargs"] == OPTIONS + b" a " + STALE + b" b -- " + STALE
    write(where + "/boot/loader/entries/ostree-1.conf", content + b"initrd /i\n")
    entries, _ = run(out, says=[r"conf:4: init= starts ostree-prepare-root, which the initramfs do"
                                "es; this word is left out"])
    assert entries[0]["bootargs"] == OPTIONS + b" a b -- " + STALE, entries
    says = [r"conf:4: init= starts ostree-prepare-root"]
    for options, expected in ((b"a " + STALE, b"a"), (STALE + b" a", b"a"), (STALE, None),
                              (b"a " + STALE + b" " + STALE, b"a"),
                              (b'a "' + STALE + b'" b', b"a b")):
        write(where + "/boot/loader/entries/ostree-1.conf", entry(options, more=b"initrd /i\n"))
        assert run(out, says=says)[0][0].get("bootargs") == expected, options


def longest_line(where):
    """The limit of a command line comes from the kernel's file, if its type is known."""
    kernels = {"zImage": (b"\0" * 0x24 + b"\x18\x28\x6f\x01", 1023),
               "Image": (b"\0" * 0x38 + b"ARM\x64", 2047),
               "riscv": (b"\0" * 0x38 + b"RSC\x05", 1023),
               "bzImage": (b"\0" * 0x202 + b"HdrS\x0f\x02" + b"\0" * 0x30 + b"\x2c\1\0\0", 300)}
    out = make(where, {})
    for name, (content, most) in kernels.items():
        write(f"{where}/boot/{name}", content + b"\0" * 0x300)
        for length in (most, most + 1):
            write(where + "/boot/loader/entries/ostree-1.conf",
                  entry(b"a" * length).replace(b"/k", b"/" + name.encode()))
            if length == most:
                assert run(out)[0][0]["bootargs"] == b"a" * most
            else:
                fails(["-o", out], *TOO_LONG)


def architecture(where):
    """The key architecture decides the longest command line if the kernel's file does not."""
    run(make(where, {"ostree-1.conf": entry(b"a" * 1023, more=b"architecture ARM\n")}))
    write(where + "/boot/loader/entries/ostree-1.conf",
          entry(b"a" * 1024, more=b"architecture arm\n"))
    fails(["-o", where + "/boot/loader/uEnv.txt"], *TOO_LONG)


TESTS = [(f"golden {name}, {file}", functools.partial(golden, name, file))
         for name in sorted(os.listdir(GOLDEN)) for file in STYLES]
TESTS += [(test.__name__.replace("_", " "), test) for test in (
    help_and_usage, fields, several_initrds, paths_that_are_refused, hook, hook_without_default,
    settings, bad_settings, kept_although_set, lines_from_windows, own_device_tree, own_lines, lines_that_are_no_text,
    lines_of_the_default_entry_only, stale_init, longest_line, architecture)]
TESTS += [(f"hostile lines: {name}", functools.partial(hostile_lines, case))
          for name, case in HOSTILE.items()]
sys.exit(tap.main(TESTS))
