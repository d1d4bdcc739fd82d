#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""boot.cmd on real U-Boot for arm and arm64: the data that the kernel gets, for many disks."""
import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from random import Random

from testlib import realuboot
import sysroot
from testlib import tap
from testlib import tools
from testlib.realuboot import make_fdt

FIELDS, write = sysroot.FIELDS, tap.write
HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_SCR = f"{tap.BUILD}/boot.scr"
NOTHING = r"rootstock: nothing on virtio 0:1 starts; looked in /boot/loader .*; resetting"
QEMU = "linux,dummy-virt"  # the model in the device tree that QEMU itself has
ALL_BYTES = bytes(byte for byte in range(1, 256) if byte != 10)


def uenv(*entries, lines=b"", mark=b"rootstock_complete=1\n"):
    """A uEnv.txt like the generator's; each entry is {field: str or bytes}."""
    text = b"# comment\n"
    for number in range(1, 10):
        entry = entries[number - 1] if number <= len(entries) else {}
        assert set(entry) <= set(FIELDS), entry
        for field in FIELDS:
            value = entry.get(field, b"")
            value = value.encode() if isinstance(value, str) else value
            text += (field + (str(number) if number > 1 else "")).encode() + b"="
            text += value.replace(b"\\", b"\\\\") + b"\n"
    return text + lines + mark


def entry(bootargs="good", kernel="/boot/k", **fields):
    return {"kernel_image": kernel, "bootdir": kernel[:kernel.rindex("/") + 1],
            "bootargs": bootargs} | fields


class Board:
    """A disk and the machine that boots it."""

    def __init__(self, where, arch):
        self.where, self.arch, self.root = where, arch, where + "/root"
        self.write("/boot/k", KERNEL[arch])
        self.write("/boot/i1", b"1" * 1001)
        self.write("/boot/i2", b"2" * 77)
        shutil.copy(BOOT_SCR, self.root + "/boot")

    def write(self, path, content):
        write(self.root + path, content)

    def loader(self, content):
        self.write("/boot/loader.1/uEnv.txt", content)
        if not os.path.lexists(self.root + "/boot/loader"):
            os.symlink("loader.1", self.root + "/boot/loader")

    def boot(self, *partitions, **environment):
        disk = self.where + "/disk"
        realuboot.make_disk(disk, *(partitions or [(self.root, "ext4")]))
        self.found = realuboot.boot(self.where, self.arch, disk, environment)
        return self.found

    def gives(self, bootargs, /, *partitions, initrd=None, model=QEMU, **environment):
        found = self.boot(*partitions, **environment)
        bootargs = bootargs.encode() if isinstance(bootargs, str) else bootargs
        assert found[1:] == (bootargs, initrd, model), \
            f"{found[1:]}\n{found.console.decode('latin-1')}"

    def resets(self, *says, **environment):
        """Nothing is started, and the reason is printed last before the reset."""
        found = self.boot(**environment)
        said = found.console.decode("latin-1").replace("\r", "")
        assert found.bootargs is None, found
        assert re.search("\n".join(says) + "\nresetting", said), said

    def said(self, *patterns):
        at, said = 0, self.found.console.decode("latin-1").replace("\r", "")
        for pattern in patterns:
            match = re.compile(pattern).search(said, at)
            assert match, f"{pattern!r} is not in\n{said}"
            at = match.end()


def boot_on_the_root_file_system(board):
    board.loader(uenv(entry(ramdisk_image="/boot/i1"), entry("bad")))
    board.gives("good", initrd=b"1" * 1001)


def the_file_of_the_generator(board):
    """boot.cmd boots a file of the generator, of which the first entry's kernel is missing."""
    value = b"a'b \"c  d\" e\\x2d $f #g \xff"
    new, old = b"linux /gone\noptions bad\n", b"initrd /i1\ninitrd /i2\noptions " + value
    out = sysroot.make(board.root, {"ostree-2.conf": b"version 2\n" + new,
                                    "ostree-1.conf": b"version 1\nlinux /k\n" + old})
    os.symlink(".", board.root + "/boot/boot")
    status, _, said = sysroot.generate("-o", out)
    assert status == 0, said
    for partition in (board.root, board.root + "/boot"):
        board.gives(value, (partition, "ext4"), initrd=b"1" * 1001 + b"\0" * 3 + b"2" * 77)


def boot_is_a_partition(board):
    os.symlink(".", board.root + "/boot/boot")
    board.loader(uenv(entry(ramdisk_image="/boot/i1")))
    board.gives("good", (board.root + "/boot", "ext4"), initrd=b"1" * 1001)


def boot_is_a_partition_and_paths_begin_there(board):
    board.loader(uenv(entry(kernel="/k", ramdisk_image="/i1")))
    board.gives("good", (board.root + "/boot", "ext4"), initrd=b"1" * 1001)


def boot_is_deep_in_a_file_system(board):
    board.write("/boot/loader.1/uEnv.txt", uenv(entry("bad")))
    board.write("/@root/boot/loader.0/uEnv.txt", uenv(entry(kernel="/@root/boot/k")))
    board.write("/@root/boot/k", KERNEL[board.arch])
    board.gives("good", rootstock_boot="/@root/boot")


def boot_is_fat(board):
    board.write("/boot/loader/uEnv.txt", uenv(entry(kernel="/k", ramdisk_image="/i1")))
    board.write("/boot/a.dtb", make_fdt("a"))
    board.gives("good", (board.root + "/boot", "vfat"), initrd=b"1" * 1001, model="a",
                fdtfile="a.dtb")


def loader_is_missing(board):
    board.write("/boot/loader.1/uEnv.txt", uenv(entry()))
    board.write("/boot/loader.0/uEnv.txt", uenv(entry("bad")))
    board.gives("good")
    os.remove(board.root + "/boot/loader.1/uEnv.txt")
    board.write("/boot/loader.0/uEnv.txt", uenv(entry("good")))
    os.symlink("loader.1", board.root + "/boot/loader")
    board.gives("good")


def incomplete_files_are_passed_over(board):
    bad = uenv(entry("bad"), mark=b"")
    board.write("/boot/loader/uEnv.txt", bad)
    board.write("/boot/loader.1/uEnv.txt", bad + b"rootstock_comple")
    board.write("/boot/loader.0/uEnv.txt", bad + b"rootstock_complete=0\n")
    board.write("/loader/uEnv.txt", bad.ljust(2048, b"\0"))
    board.write("/loader.1/uEnv.txt", b"=x\n" + uenv(entry("bad")))
    board.write("/loader.0/uEnv.txt", uenv(entry()))
    board.gives("good")


def mixtures_are_passed_over(board):
    """Files with the head of one and the tail of another, as by stale blocks, are not used."""
    files = []
    for name in b"old", b"new":
        shutil.rmtree(board.where + "/made", ignore_errors=True)
        options = b"linux /k\noptions %s %s\n" % (name, b"x" * 1500)
        out = sysroot.make(board.where + "/made", {"ostree-1.conf": b"version 1\n" + options})
        assert sysroot.generate("-o", out)[0] == 0
        files.append(tap.read(out))
    old, new = files
    board.write("/boot/loader.0/uEnv.txt", uenv(entry()))
    for mixed in (new[:512] + old[512:], new[:1024] + bytes(512) + new[1536:],
                  new[:-49] + old[-49:], new[-49:]):
        board.loader(mixed)
        board.gives("good")
        board.said("rootstock: /boot/loader/uEnv.txt is not complete")
    board.write("/boot/boot/k", KERNEL[board.arch])
    board.loader(new)
    board.gives(b"new " + b"x" * 1500)


def the_checksum_needs_two_commands(board):
    """Without crc32 or itest only the mark is checked, as in a file without a checksum."""
    board.loader(uenv(entry(), mark=b"rootstock_crc32=00 00 00 00\nrootstock_complete=1\n"))
    for command in b"crc32 ", b"itest ":
        script = tap.read(HERE + "/../boot.cmd")
        assert command in script
        write(board.where + "/lines", script.replace(command, b"no" + command))
        subprocess.run(["mkimage", "-A", "arm", "-T", "script", "-C", "none", "-d",
                        board.where + "/lines", board.root + "/boot/boot.scr"], check=True,
                       stdout=subprocess.DEVNULL)
        board.gives("good")
        board.said("Unknown command 'no" + command.decode().strip())


def empty_files_are_passed_over(board):
    board.write("/boot/loader/uEnv.txt", b"")
    board.write("/boot/loader.1/uEnv.txt", b"\xff" * 4096)
    board.write("/boot/loader.0/uEnv.txt", b"\0" * 4096)
    board.write("/loader/uEnv.txt", b"\n")
    board.write("/loader.1/uEnv.txt", uenv(entry())[:-2])
    board.write("/loader.0/uEnv.txt", uenv(entry()))
    board.gives("good")


def every_entry_gets_its_turn(board):
    """Entries that fail are tried in order, and the next one does not get their fields; the last
    one has neither initrd nor bootargs."""
    board.write("/boot/a.dtb", make_fdt("a"))
    board.write("/boot/dtb/b.dtb", make_fdt("b"))
    board.loader(uenv(
        entry("1", "/boot/gone1", ramdisk_image="/boot/i1", fdt_file="/boot/a.dtb"),
        entry("2", ramdisk_image="/boot/gone2"),
        entry("3", ramdisk_image="/boot/i1", ramdisk_images="/boot/i1 /boot/gone3 /boot/i2"),
        entry("4", fdt_file="/boot/gone4", fdtdir="/boot/dtb"),
        entry("5", "/boot/i1", ramdisk_image="/boot/i2", fdt_file="/boot/a.dtb"),
        {"kernel_image": "/boot/k"}))
    board.gives(b"", fdtfile="b.dtb")
    board.said(*(f"/gone{number} cannot be loaded" for number in range(1, 5)),
               "/boot/i1 does not start", "rootstock: /boot/k,")


def a_file_that_has_become_empty_is_missing(board):
    """Empty files, which a loss of power during a removal can leave, count as missing on ext4 and
    FAT."""
    board.write("/boot/empty", b"")
    board.write("/boot/loader/uEnv.txt", uenv(
        entry("1", "/empty"), entry("2", "/k", ramdisk_image="/empty"),
        entry("3", "/k", ramdisk_image="/i1", ramdisk_images="/i1 /empty"),
        entry("4", "/k", fdt_file="/empty"), entry(kernel="/k", ramdisk_image="/i2")))
    for kind in "ext4", "vfat":
        board.gives("good", (board.root + "/boot", kind), initrd=b"2" * 77)
        board.said(*["rootstock: /empty cannot be loaded"] * 4, "rootstock: /k,")


def nine_entries(board):
    board.loader(uenv(*[entry("bad", "/gone")] * 8, entry(ramdisk_image="/boot/i1")))
    board.gives("good", initrd=b"1" * 1001)


def no_entry_can_be_loaded(board):
    """If no entry of a menu can be loaded, the menu of another directory is tried, which here has
    fewer entries."""
    board.loader(uenv(entry("bad", "/gone"), entry("bad", "/gone", ramdisk_image="/boot/i1")))
    board.write("/boot/loader.0/uEnv.txt", uenv(entry("bad"), mark=b""))
    board.write("/loader.0/uEnv.txt", uenv({"kernel_image": "/gone"}, entry()))
    board.gives("good")


STALE = {"ramdisk_image": "/boot/i1", "ramdisk_images": "/boot/i1 /boot/i2", "bootargs": "stale",
         "fdt_file": "/boot/a.dtb", "fdtdir": "/boot", "bootdir": "/boot"}


def the_environment_does_not_leak_in(board):
    board.write("/boot/a.dtb", make_fdt("a"))
    stale = STALE | {name + "2": value for name, value in STALE.items()}
    board.loader(b"kernel_image=/boot/k\nrootstock_complete=1\n")
    board.gives(b"", fdtfile="a.dtb", **stale)
    board.loader(b"kernel_image=/gone\nkernel_image2=/boot/k\nrootstock_complete=1\n")
    board.gives(b"", fdtfile="a.dtb", **stale)


def the_environment_completes_nothing(board):
    board.loader(uenv(entry("bad"), mark=b""))
    board.resets("rootstock: /boot/loader.1/uEnv.txt is not complete", NOTHING,
                 rootstock_complete="1", kernel_image="/boot/k")


def other_variables_are_not_taken(board):
    board.write("/boot/a.dtb", make_fdt("a"))
    board.write("/boot/b.dtb", make_fdt("b"))
    board.loader(uenv(entry("bad", "/boot/gone"), entry(), lines=b"fdtfile=a.dtb\nx=1\n"))
    board.gives("good", fdtfile="b.dtb", model="b")
    board.gives("good", fdtfile="b.dtb", model="a", rootstock_import="y fdtfile")


def nothing_is_taken_from_a_torn_file(board):
    board.write("/boot/a.dtb", make_fdt("a"))
    board.write("/boot/b.dtb", make_fdt("b"))
    board.loader(uenv(entry("bad"), lines=b"fdtfile=a.dtb\n", mark=b""))
    board.write("/boot/loader.0/uEnv.txt", uenv(entry()))
    board.gives("good", fdtfile="b.dtb", model="b", rootstock_import="fdtfile")


def every_byte_arrives(board):
    """Every byte arrives, first from the first entry, then from the second one, which is copied."""
    random = Random(board.arch)
    value = b"a'b \"c  d\" 'e\\x2d $f ${g} ;h #i " + bytes(random.sample(ALL_BYTES, len(ALL_BYTES)))
    value += bytes(random.choices(ALL_BYTES, k=1300))
    board.loader(uenv(entry(value)))
    board.gives(value)
    board.loader(uenv(entry("bad", "/gone"), entry(value)))
    board.gives(value)


def every_value_is_copied(board):
    """The lines of boot.cmd that copy NAME2 to NAME work for a thousand values."""
    with open(HERE + "/../boot.cmd", encoding="utf-8") as file:
        code = re.search(r'\n\t*(setenv " \$\{rs_name\}" 1\n.*?\n)\t*done', file.read(), re.S)[1]
    code = code.replace("${rs_name}", "bootargs").replace("${rs_next}", "2")
    code = code.replace("${kernel_addr_r}", "40400000").replace("${ramdisk_addr_r}", "41000000")
    assert code.count("\n") == 7 and "rs_name" not in code, code
    random = Random(board.arch + "copy")
    values = [bytes(random.choices(ALL_BYTES, k=random.randrange(1, 300))) for _ in range(1000)]
    values += [b"\\", b"\\\\", b"=", b" ", b"'", b'"', None]
    lines, memory, at = [], b"", realuboot.OUTPUT
    for value in values:
        record = uenv({"bootargs": "stale"}, {"bootargs": value} if value else {})
        lines += [f"env import -t {realuboot.INPUT + len(memory):x} {len(record):x}", code,
                  f"env export -b {at:x} bootargs"]
        memory, at = memory + record, at + 1024
    with realuboot.source(board.where, board.arch, lines, memory) as machine:
        dump = machine.memory(realuboot.OUTPUT, 1024 * len(values))
    for i, value in enumerate(values):
        found = realuboot.read_exported(dump[1024 * i:1024 * (i + 1)])
        assert found == ({b"bootargs": value} if value else {}), (value, found)


def several_initrds(board):
    three = entry(ramdisk_image="/boot/i2", ramdisk_images="/boot/i2 /boot/i1 /boot/i2")
    # Data of the first entry in memory must not appear in the padding.
    board.loader(uenv(entry("bad", "/gone", ramdisk_image="/boot/i1"), three))
    board.gives("good", initrd=b"2" * 77 + b"\0" * 3 + b"1" * 1001 + b"\0" * 3 + b"2" * 77)


def more_initrds_than_a_command_has_words(board):
    names = [f"/boot/initrd.img-6.1.0-{number}" for number in range(20)]
    for name in names:
        board.write(name, name[-4:].encode())
    board.loader(uenv(entry(ramdisk_image=names[0], ramdisk_images=" ".join(names))))
    board.gives("good", initrd="".join(name[-4:] for name in names).encode())


def paths_that_look_like_commands(board):
    paths = {name: f"/boot/{name}$a;b&c|d(e){{f}}*?[g]#~\xe9" for name in ("k", "1", "2", "dtb")}
    for name, content in (("k", KERNEL[board.arch]), ("1", b"1" * 8), ("2", b"2" * 4),
                          ("dtb", make_fdt("odd"))):
        board.write(paths[name], content)
    odd = entry(kernel=paths["k"], ramdisk_image=paths["1"], fdt_file=paths["dtb"],
                ramdisk_images=paths["1"] + " " + paths["2"])
    board.loader(uenv(odd, entry("bad")))
    board.gives("good", initrd=b"1" * 8 + b"2" * 4, model="odd")
    board.loader(uenv(entry("bad", "/gone"), odd, entry("bad")))
    board.gives("good", initrd=b"1" * 8 + b"2" * 4, model="odd")


def device_trees(board):
    """The device tree comes from the places in their order, of which each run removes the first."""
    for name in ("boot/named", "boot/dtb/v/a.dtb", "boot/v/a.dtb"):
        board.write("/" + name, make_fdt(name))
    board.loader(uenv(entry(fdt_file="/boot/named", fdtdir="/boot/dtb"), entry("bad")))
    board.gives("good", fdtfile="v/a.dtb", model="boot/named")
    board.write("/boot/loader.1/uEnv.txt", uenv(entry(fdtdir="/boot/dtb"), entry("bad")))
    board.gives("good", fdtfile="v/a.dtb", model="boot/dtb/v/a.dtb")
    board.gives("good", model=QEMU)
    os.remove(board.root + "/boot/dtb/v/a.dtb")
    board.gives("good", fdtfile="v/a.dtb", model="boot/v/a.dtb")
    os.remove(board.root + "/boot/v/a.dtb")
    board.gives("good", fdtfile="v/a.dtb", model=QEMU)
    board.said("Device Tree blob at 40000000\n")
    board.gives("good", fdtfile="v/a.dtb", model=QEMU, fdt_addr=None)
    board.said("Device Tree blob at 5.......\n")


def no_place_for_a_device_tree(board):
    board.write("/boot/a.dtb", make_fdt("a"))
    board.loader(uenv(entry("bad", fdt_file="/boot/a.dtb"), entry()))
    board.gives("good", fdt_addr_r=None)
    board.said("without fdt_addr_r /boot/a.dtb cannot be loaded")


def legacy_image(board):
    write(board.where + "/stub", KERNEL[board.arch])
    subprocess.run(["mkimage", "-q", "-A", board.arch, "-O", "linux", "-T", "kernel", "-C", "none",
                    "-a", "48000000", "-e", "48000000", "-d", board.where + "/stub",
                    board.root + "/boot/uImage"], check=True, stdout=subprocess.DEVNULL)
    board.loader(uenv(entry(kernel="/boot/uImage", ramdisk_image="/boot/i1"), entry("bad")))
    board.gives("good", initrd=b"1" * 1001)


FIT = """/dts-v1/;
/ {{
	description = "x";
	images {{
		kernel {{ data = /incbin/("{where}/stub"); type = "kernel"; arch = "{arch}"; os = "linux";
			compression = "none"; load = <0x48000000>; entry = <0x48000000>;
			hash {{ algo = "sha256"; }}; }};
		one {{ data = /incbin/("{where}/one"); type = "ramdisk"; arch = "{arch}"; os = "linux";
			compression = "none"; }};
		two {{ data = /incbin/("{where}/two"); type = "ramdisk"; arch = "{arch}"; os = "linux";
			compression = "none"; }};
		tree {{ data = /incbin/("{where}/tree"); type = "flat_dt"; arch = "{arch}";
			compression = "none"; }};
		overlay {{ data = /incbin/("{where}/overlay"); type = "flat_dt"; arch = "{arch}";
			compression = "none"; load = <0x49000000>; }};
	}};
	configurations {{
		default = "usual";
		usual {{ kernel = "kernel"; ramdisk = "one"; fdt = "tree"; }};
		other {{ kernel = "kernel"; ramdisk = "two"; fdt = "tree"; }};
		small {{ kernel = "kernel"; fdt = "tree"; }};
		more {{ fdt = "overlay"; }};
	}};
}};
"""


OVERLAY = b"""/dts-v1/; /plugin/;
/ { fragment@0 { target-path = "/"; __overlay__ { model = "of the overlay"; }; }; };
"""


def make_fit(board, name="/boot/fit"):
    """A FIT with three configurations, and one of an overlay."""
    for file, content in (("stub", KERNEL[board.arch]), ("one", b"one" * 99), ("two", b"two" * 88),
                          ("tree", make_fdt("of the FIT"))):
        write(f"{board.where}/{file}", content)
    write(board.where + "/overlay.dts", OVERLAY)
    subprocess.run(["dtc", "-q", "-O", "dtb", "-o", board.where + "/overlay",
                    board.where + "/overlay.dts"], check=True)
    write(board.where + "/its", FIT.format(where=board.where, arch=board.arch).encode())
    subprocess.run(["mkimage", "-q", "-f", board.where + "/its", board.root + name], check=True,
                   stdout=subprocess.DEVNULL)


def a_fit(board):
    """A FIT boots with what its configuration has, and with what the entry has in its place."""
    make_fit(board)
    board.write("/boot/a.dtb", make_fdt("of the entry"))
    board.write("/boot/board.dtb", make_fdt("of the board"))
    board.loader(uenv(entry(kernel="/boot/fit"), entry("bad")))
    board.gives("good", initrd=b"one" * 99, model="of the FIT")
    board.gives("good", initrd=b"two" * 88, model="of the FIT", rootstock_fit_config="other")
    board.gives("good", model="of the FIT", rootstock_fit_config="small")
    # Debian's U-Boot for QEMU is built without overlays, and then says so.
    found = board.boot(rootstock_fit_config="small#more")
    if found.model != "of the overlay":
        board.said("config with overlays but CONFIG_OF_LIBFDT_OVERLAY not set")
    board.write("/boot/loader.1/uEnv.txt", uenv(entry(kernel="/boot/fit", ramdisk_image="/boot/i1"),
                                                entry("bad")))
    board.gives("good", initrd=b"1" * 1001, model="of the FIT")
    board.write("/boot/loader.1/uEnv.txt", uenv(
        entry(kernel="/boot/fit", ramdisk_image="/boot/i1", fdt_file="/boot/a.dtb"), entry("bad")))
    board.gives("good", initrd=b"1" * 1001, model="of the entry")


def a_fit_that_does_not_start(board):
    """A configuration that is missing, and a part that is damaged, leave the next entry."""
    make_fit(board)
    board.loader(uenv(entry("bad", kernel="/boot/fit"), entry()))
    board.gives("good", rootstock_fit_config="none")
    board.said("/boot/fit does not start")
    fit = tap.read(board.root + "/boot/fit")
    at = fit.index(KERNEL[board.arch][:64])
    board.write("/boot/fit", fit[:at + 100] + b"x" + fit[at + 101:])
    board.gives("good")
    board.said("/boot/fit does not start")


def script_on_another_partition(board):
    board.loader(uenv(entry()))
    firmware = board.where + "/firmware"
    os.makedirs(firmware)
    shutil.move(board.root + "/boot/boot.scr", firmware)
    board.gives("good", (firmware, "vfat"), (board.root, "ext4"), rootstock_disk="virtio 0:2")


def sourced_by_hand(board):
    board.loader(uenv(entry()))
    os.rename(board.root + "/boot/boot.scr", board.root + "/my.scr")
    load = "virtio scan; load virtio 0:1 ${scriptaddr} /my.scr; source ${scriptaddr}; echo returned"
    board.gives("good", bootcmd=load, devtype="virtio", devnum="0", distro_bootpart="1")
    # As on a board that imports a uEnv.txt of its own and runs uenvcmd.
    board.write("/uEnv.txt", b"rootstock_disk=virtio 0:1\nuenvcmd=load virtio 0:1 ${loadaddr} "
                b"/my.scr; source ${loadaddr}\n")
    board.gives("good", bootcmd="virtio scan; load virtio 0:1 ${loadaddr} /uEnv.txt; "
                "env import -t ${loadaddr} ${filesize}; run uenvcmd; echo returned")
    board.resets("rootstock: these must be set: .*", "rootstock: .*", "rootstock: nothing .*",
                 bootcmd=load, devtype="virtio", devnum="0")
    board.resets("rootstock: these must be set: .*", "rootstock: .*", "rootstock: nothing .*",
                 bootcmd=load, rootstock_disk="virtio 0:1", ramdisk_addr_r=None)


def nothing_to_boot(board):
    # U-Boot's own last message, before and since 2024.
    board.resets(r"(?:## Executing script at .*|\*\* Booting bootflow .* with script)", NOTHING)
    board.loader(uenv(entry("bad", "/gone")))
    board.resets("rootstock: /gone cannot be loaded", NOTHING)


def no_entry_left(board):
    """The file after the last undeploy is complete and starts nothing; a file in another loader.N
    still counts."""
    out = sysroot.make(board.root, {})
    status, _, said = sysroot.generate("-o", out)
    assert status == 0, said
    board.resets("crc32 for .*", NOTHING)
    board.write("/boot/loader.0/uEnv.txt", uenv(entry("old")))
    board.gives("old")


def other_releases(board):
    """Some of these tests with the U-Boot of Debian 11, and of Debian 13, which uses bootstd."""
    usual = realuboot.UBOOT
    for release in ("bullseye", "trixie"):
        try:
            realuboot.UBOOT = tools.unpacked(release, "u-boot-qemu")[0] + "/usr/lib/u-boot"
        except subprocess.CalledProcessError as failed:
            raise tap.Skip(f"no u-boot-qemu of {release}: {failed.stderr.splitlines()[-1]}") \
                from failed
        try:
            every_entry_gets_its_turn(board)
            board.said({"bullseye": "U-Boot 2021", "trixie": "U-Boot 2025"}[release])
            every_byte_arrives(board)
            mixtures_are_passed_over(board)
            a_file_that_has_become_empty_is_missing(board)
            a_fit(board)
        finally:
            realuboot.UBOOT = usual


def on(arch, test, where):
    test(Board(where, arch))


TESTS = [(f"boot.cmd on {arch}: {test.__name__.replace('_', ' ')}",
          functools.partial(on, arch, test)) for test in (
             boot_on_the_root_file_system, the_file_of_the_generator, boot_is_a_partition,
             boot_is_a_partition_and_paths_begin_there, boot_is_deep_in_a_file_system,
             boot_is_fat, loader_is_missing,
             incomplete_files_are_passed_over, mixtures_are_passed_over,
             the_checksum_needs_two_commands, empty_files_are_passed_over,
             every_entry_gets_its_turn, a_file_that_has_become_empty_is_missing, nine_entries, no_entry_can_be_loaded,
             the_environment_does_not_leak_in, the_environment_completes_nothing,
             other_variables_are_not_taken, nothing_is_taken_from_a_torn_file,
             every_byte_arrives, every_value_is_copied,
             several_initrds, more_initrds_than_a_command_has_words,
             paths_that_look_like_commands, device_trees,
             no_place_for_a_device_tree, legacy_image, a_fit, a_fit_that_does_not_start,
             script_on_another_partition,
             sourced_by_hand, nothing_to_boot, no_entry_left, other_releases)
         for arch in realuboot.MACHINE if arch == "arm64" or tap.LONG]

MISSING = realuboot.missing()
KERNEL = {}
with tempfile.TemporaryDirectory() as rig:
    if MISSING:
        TESTS = tap.skipped(TESTS, f"{MISSING} is not installed")
    else:
        KERNEL = {arch: realuboot.make_stub(rig, arch) for arch in realuboot.MACHINE}
    sys.exit(tap.main(TESTS))
