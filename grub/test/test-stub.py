#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""grub/stub.cfg on machines whose menus are correct, missing, damaged or unusable."""
import functools
import os
import re
import sys
import tempfile

import emu
import stubrig
import sysroot
from testlib import tap
from stubrig import NOW, TALK, boot_tree, btrfs, ext4, fat
from testlib.tap import write

UUID = "0f8e5ef1-7f5c-4f1b-8d80-7a2a11e2a301"
MENUS, MACHINES = {}, {}
CALL = re.compile(rb"\nrootstock_[0-9a-f]{16} menuentry\nset rootstock_complete=1\n\Z")


def flip(cfg):
    """The menu with a block in the middle that leaves a single quote open."""
    middle = cfg.index(b"\n}\n")
    return cfg[:middle] + b"'" * 33 + cfg[middle + 33:]


# Name, the menus in /boot, the argument that the kernel must get (None: the machine restarts).
CASES = [
    ("loader", lambda new, old, gone: {"loader": "loader.1", "loader.1": new, "loader.0": old},
     b"new"),
    ("no loader", lambda new, old, gone: {"loader.1": old, "loader.0": new}, b"old"),
    ("no loader and no loader.1", lambda new, old, gone: {"loader.0": old}, b"old"),
    ("loader leads nowhere", lambda new, old, gone: {"loader": "loader.1", "loader.0": old},
     b"old"),
    ("empty menu", lambda new, old, gone: {"loader": b"", "loader.1": old}, b"old"),
    ("menu of NULs", lambda new, old, gone: {"loader": bytes(len(new)), "loader.1": old}, b"old"),
    ("menu of 0xff", lambda new, old, gone: {"loader": b"\xff" * len(new), "loader.1": old},
     b"old"),
    ("menu without its last line",
     lambda new, old, gone: {"loader": new[:CALL.search(new).start() + 1], "loader.1": old},
     b"old"),
    ("menu cut in its call",
     lambda new, old, gone: {"loader": new[:new.rindex(b"entry\n")], "loader.1": old}, b"old"),
    ("menu cut in an entry", lambda new, old, gone: {"loader": new[:700], "loader.1": old}, b"old"),
    ("menu that ends in NUL bytes",
     lambda new, old, gone: {"loader": new[:512] + bytes(len(new) - 512), "loader.1": old}, b"old"),
    ("menu with the tail of another",
     lambda new, old, gone: {"loader": new[:512] + gone[512:], "loader.1": old}, b"old"),
    ("menu with a block of garbage", lambda new, old, gone: {"loader": flip(new), "loader.1": old},
     b"old"),
    ("menu whose kernels are missing", lambda new, old, gone: {"loader": gone, "loader.1": old},
     b"old"),
    ("no menu", lambda new, old, gone: {}, None),
    ("only unusable menus",
     lambda new, old, gone: {"loader": gone, "loader.1": new[:CALL.search(new).end() - 40],
                             "loader.0": b"\n"}, None),
]


def case(where, make, expected):
    tree = boot_tree(where + "/root", MACHINES["boot"], make(*MENUS.values()), {
        # A damaged menu must not add the entry of custom.cfg either.
        "custom.cfg": NOW + b"menuentry custom {\n\tlinux /boot/k custom\n}\n"})
    expect("boot", [ext4(tree, where + "/disk")], expected)


def expect(machine, disks, expected):
    found = MACHINES[machine].run(disks)
    assert found == expected, found


def custom_has_the_last_word(where):
    tree = boot_tree(where + "/root", MACHINES["boot"], {"loader": MENUS["new"]},
                     {"custom.cfg": NOW + b"set default=1\n"})
    expect("boot", [ext4(tree, where + "/disk")], b"second")


def own_partition(where):
    tree = boot_tree(where + "/root", MACHINES["own"], {"loader": MENUS["new"]})
    expect("own", [ext4(tree + "/boot", where + "/disk")], b"new")


def no_entry_left(where):
    """The menu after the last undeploy is empty, so the stub tries a menu in another loader.N, or
    restarts."""
    empty = stubrig.menu(where + "/none")
    for number, (menus, expected) in enumerate((
            ({"loader": "loader.1", "loader.1": empty, "loader.0": MENUS["old"]}, b"old"),
            ({"loader": "loader.1", "loader.1": empty}, None))):
        tree = boot_tree(f"{where}/{number}", MACHINES["boot"], menus, {"custom.cfg": NOW})
        expect("boot", [ext4(tree, f"{where}/disk{number}")], expected)


def directories_on_fat(where):
    """On FAT, without symlinks, /boot is the top of the file system, and the paths in the entries
    begin there."""
    tree = boot_tree(where + "/root", MACHINES["own"],
                     {"loader": MENUS["new"].replace(b"/boot/k", b"/k"), "loader.1": b""})
    os.remove(tree + "/boot/boot")
    expect("own", [fat(tree + "/boot", where + "/disk")], b"new")


def other_disks_do_not_count(where):
    tree = boot_tree(where + "/root", MACHINES["boot"], {"loader.1": MENUS["new"]})
    stick = boot_tree(where + "/stick", MACHINES["boot"], {"loader": MENUS["old"]}, stub=False)
    expect("boot", [ext4(tree, where + "/1"), ext4(stick, where + "/2")], b"new")


def other_disks_do_not_count_on_fat(where):
    """Other disks do not count either if the stub's file system has no directory boot."""
    tree = boot_tree(where + "/root", MACHINES["own"],
                     {"loader.1": MENUS["new"].replace(b"/boot/k", b"/k")})
    stick = boot_tree(where + "/stick", MACHINES["own"], {"loader": MENUS["old"]}, stub=False)
    os.remove(tree + "/boot/boot")
    expect("own", [fat(tree + "/boot", where + "/1"), ext4(stick, where + "/2")], b"new")


def system_partition(where, files):
    write(where + "/esp/EFI/os/grub.cfg", tap.read(stubrig.STUB))
    for name, content in files.items():
        write(f"{where}/esp/EFI/os/{name}", content)
    return fat(where + "/esp", where + "/esp.img")


def subvolume(where):
    """The stub uses the menu of its own subvolume, which is the default one, although another
    system has its /boot at the top."""
    menu = MENUS["new"].replace(b"/boot/k", b"/@root/boot/k")
    boot_tree(where + "/disk/@root", MACHINES["subvolume"], {"loader": "loader.1", "loader.1": menu})
    boot_tree(where + "/disk", MACHINES["subvolume"], {"loader": MENUS["old"]}, stub=False)
    expect("subvolume", [btrfs(where + "/disk", where + "/img", UUID, "@root", "@root/boot")], b"new")


def subvolume_from_the_system_partition(where):
    esp = system_partition(where, {"custom.cfg": NOW, "rootstock.cfg": TALK + (
        f"search --no-floppy --fs-uuid --set=root {UUID}\nset rootstock_boot=/@/boot\n").encode()})
    menu = MENUS["new"].replace(b"/boot/k", b"/@/boot/k")
    boot_tree(where + "/disk/@", MACHINES["esp"], {"loader.0": menu}, stub=False)
    boot_tree(where + "/disk", MACHINES["esp"], {"loader": MENUS["old"]}, stub=False)
    expect("esp", [esp, btrfs(where + "/disk", where + "/img", UUID, "@")], b"new")


def search_from_the_system_partition(where):
    esp = system_partition(where, {"custom.cfg": NOW})
    other = boot_tree(where + "/other", MACHINES["esp"], {"loader.0": MENUS["old"]}, stub=False)
    tree = boot_tree(where + "/root", MACHINES["esp"], {"loader.1": MENUS["new"]}, stub=False)
    expect("esp", [esp, ext4(other, where + "/1"), ext4(tree, where + "/2")], b"new")


def named_file_system(where):
    esp = system_partition(where, {"custom.cfg": NOW, "rootstock.cfg": TALK +
                                   f"search --no-floppy --fs-uuid --set=root {UUID}\n".encode()})
    stick = boot_tree(where + "/stick", MACHINES["esp"], {"loader": MENUS["old"]}, stub=False)
    tree = boot_tree(where + "/root", MACHINES["esp"], {"loader.1": MENUS["new"]}, stub=False)
    expect("esp", [esp, ext4(stick, where + "/1"), ext4(tree, where + "/2", UUID)], b"new")


def efi(where):
    """GRUB for EFI behaves the same; the menu prints the result, because realgrub.S is for BIOS."""
    if stubrig.missing_for_efi():
        raise tap.Skip(f"{stubrig.missing_for_efi()} is not installed")
    write(where + "/esp/EFI/os/grub.cfg", TALK + tap.read(stubrig.STUB))
    stubrig.make_efi(where + "/esp/EFI/BOOT/BOOTX64.EFI", "(hd0)/EFI/os")
    cfg = NOW + b"menuentry x {\n\techo cmdline:BOOT_IMAGE=k efi\n\techo initrd:\n\treboot\n}\n"
    tree = boot_tree(where + "/root", MACHINES["esp"], {"loader.1": cfg}, stub=False)
    found = stubrig.run_efi(where, [fat(where + "/esp", where + "/1"), ext4(tree, where + "/2")])
    assert found == b"efi", found


def added(where, files):
    """The ids of the entries that each file adds, according to GRUB's own script language.

    A function replaces menuentry. Functions stay defined, so each file gets names of its own."""
    script = b'function rs_add {\n\tset added="$added $2"\n}\n'
    for number, content in enumerate(files):
        content = re.sub(rb"rootstock_[0-9a-f]{4}", b"rootstock_%04x" % number, content)
        write(f"{where}/{number}", content.replace(b" menuentry\n", b" rs_add\n"))
        script += b'set added=\nsource "(host)%s/%d"\necho "<%d:$added>"\n' % (
            where.encode(), number, number)
    said = emu.run(where + "/emu", script)
    found = dict(re.findall(rb"<(\d+):([^>]*)>", said))
    return [found[b"%d" % number].split() for number in range(len(files))]


def whole_or_not_at_all(where, damage):
    """With damage(menu, another one, place) at any byte, either no entries are added or all of one
    menu.

    The places begin after the comment, which a damage could turn into any command."""
    new, gone = MENUS["new"], MENUS["gone"]
    whole = added(where, [new, gone])
    assert [len(ids) for ids in whole] == [3, 2], whole
    files = [damage(new, gone, place) for place in range(new.index(b"\nfunction"), len(new))]
    found = added(where, files)
    bad = [(place, ids) for place, ids in enumerate(found) if ids and ids not in whole]
    assert not bad, bad[:5]
    assert sum(not ids for ids in found) > len(files) / 2, "the damage has no effect"


DAMAGES = {
    "cut": lambda new, gone, place: new[:place],
    "NUL bytes to the end": lambda new, gone, place: new[:place].ljust(len(new), b"\0"),
    "0xff to the end": lambda new, gone, place: new[:place].ljust(len(new), b"\xff"),
    "the tail of another menu": lambda new, gone, place: new[:place] + gone[place:],
    "cut, and as many bytes of another menu's tail":
        lambda new, gone, place: new[:place] + gone[-(len(new) - place):],
    "a single quote": lambda new, gone, place: new[:place] + b"'" + new[place + 1:],
    "64 bytes of line feeds": lambda new, gone, place: new[:place] + b"\n" * 64 + new[place + 64:],
}


def check_syntax(where):
    sysroot.script_check(tap.read(stubrig.STUB))


TESTS = [(f"stub: {name}", functools.partial(case, make=make, expected=expected))
         for name, make, expected in CASES]
TESTS += [(f"stub: {test.__name__.replace('_', ' ')}", test) for test in (
    custom_has_the_last_word, own_partition, no_entry_left, directories_on_fat, other_disks_do_not_count,
    other_disks_do_not_count_on_fat,
    subvolume, subvolume_from_the_system_partition, search_from_the_system_partition,
    named_file_system, efi)]
EMULATED = [(f"menu, at each byte: {name}", functools.partial(whole_or_not_at_all, damage=damage))
            for name, damage in DAMAGES.items()]

with tempfile.TemporaryDirectory() as rig:
    if stubrig.missing():
        TESTS = tap.skipped(TESTS, f"{stubrig.missing()} is not installed")
    else:
        for place, prefix in (("boot", "(hd1)/boot/grub"), ("own", "(hd1)/grub"),
                              ("esp", "(hd1)/EFI/os"), ("subvolume", "(hd1)/@root/boot/grub")):
            MACHINES[place] = stubrig.Machine(f"{rig}/{place}", prefix)
    if emu.missing():
        EMULATED = tap.skipped(EMULATED, f"{emu.missing()} is not installed")
    make_menu = functools.partial(stubrig.menu, rig + "/menu")
    MENUS["new"] = make_menu((b"new", b"/k"), (b"second", b"/k"), (b"third", b"/k"))
    MENUS["old"] = make_menu((b"old", b"/k"))
    MENUS["gone"] = make_menu((b"gone", b"/gone"), (b"gone", b"/gone"))
    sys.exit(tap.main([("stub: syntax", check_syntax)] + TESTS + EMULATED))
