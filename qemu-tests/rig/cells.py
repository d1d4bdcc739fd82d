# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells: each is a machine and a scenario, which are small ini files. An unknown key or value is an
error, because a misspelt expectation would never be checked."""

import configparser
import fnmatch
import glob
import os
import re
import shutil

from rig.disk import corrupt, filesystem, foreign, loaders
from rig.host import arch

# The keys of a machine file and their defaults; a key with None must be in the file.
MACHINE = {
    "about": None,  # one line about the machine, for --list
    "firmware": None,  # the name of the firmware and boot loader, for the reports
    "arch": "x86_64",  # the architecture of the machine and of its programs: see arch.TRIPLETS
    "bios": "",  # the firmware's file, if it is not QEMU's own
    "bios-option": "-bios",  # QEMU's option for it; -kernel if QEMU's own firmware starts it
    "bios-package": "",  # RELEASE ARCH PACKAGE that has the file, if it is not the host's
    "bios-address": "",  # where an i.MX image is loaded, without the header that its ROM reads
    "bios-patch": "",  # settings to change in it, lines OLD|NEW: see firmware.py
    "qemu": None,  # the QEMU command for the machine without disk, console and firmware
    "disk-device": None,  # QEMU's devices for the disk; the last is the disk, the others its bus
    "disk-name": None,  # the disk's name in the guest's /dev
    "partition-name": None,  # the name of a partition there, with %d for its number
    "console": None,  # the guest's name for the port of its console
    "report": "ttyS1",  # the guest's name for the port that it reports through
    "report-shared": "no",  # yes: the firmware writes to that port too, before the first boot
    "report-first": "no",  # yes: the report is the first serial port, the console the second
    "report-device": "",  # QEMU's device for the report, if it is not a serial port of the board
    "board-dtb": "",  # the file of the device tree that goes into the tree, from the kernel package
    "power-off": "yes",  # no: QEMU's model cannot power off, and the kernel halts instead
    "loader": None,  # see loaders.KINDS
    "grub": "",  # RELEASE ARCH PACKAGE with GRUB's modules, if they are not the host's
    "noise": "",  # complaints that are normal for its kernel, one sentence a line
    "loader-mark": None,  # what the console shows once at the start of each boot
    "needs": None,  # what must be on the host: PROGRAM:PACKAGE or /FILE:PACKAGE, several
    "kernel": None,  # RELEASE ARCH PACKAGE..., or "built NAME": see kernels.py
    "modules": "",  # modules that each initramfs needs, because the kernel lacks these drivers
}
# What every machine needs on the host.
EVERYWHERE = "sfdisk:fdisk mkfs.ext4:e2fsprogs ostree:ostree"
# Buses that a scenario can choose: the disk's devices and names, as in a machine file.
BUSES = {
    "virtio": {"disk-device": "virtio-blk-pci", "disk-name": "vda", "partition-name": "vda%d"},
    "scsi": {"disk-device": "virtio-scsi-pci scsi-hd", "disk-name": "sda",
             "partition-name": "sda%d"},
}
# When cells run: with every change, or before a release.
TIERS = ("ci", "release")
# The keys of a scenario file and their defaults, by section; "about" must be in the file. Only
# machines without a boot loader take other values of attach, table, filesystem, tree, roots and
# slot.
SCENARIO = {
    "scenario": {
        "about": None,  # one line about the scenario, for --list and the reports
        "machines": "x86-bios-grub",  # the machines that boot it; each makes a cell
        "tier": "",  # ci, release, or ci and some of the machines: see tiers(). Required in the
                     # folder scenarios/, unused in bench.ini and try.ini
    },
    "disk": {
        "bus": "",  # virtio or scsi: see BUSES; empty: the machine's own
        "attach": "start",  # start; twice: a second disk is a copy; protected: the disk is
                            # write-protected; SECONDS: it appears so long after the init starts
        "table": "gpt",  # the partition table: gpt, mbr, or backup (a GPT whose first two sectors
                         # are zero, so that only the copy at the end is left)
        "filesystem": "ext4",  # the root's file system: see filesystem.KINDS
        "devices": "1",  # on how many partitions that file system is; 2 is for btrfs
        "label": "root",  # the label of that file system
        "damage": "",  # what is wrong with it: see corrupt.KINDS
        "tree": "deployment",  # what boots: deployment, or plain (a root without OSTree)
        "ostree": "",  # the Debian release whose ostree writes the disk, and is in the small tree
                       # of a life; empty: the host's
        "userland": "probe",  # what is in the tree: probe (with busybox), or debian (with systemd)
        "kernels": "same",  # the kernels of two deployments: same, or each (they differ by a byte)
        "tree-files": "",  # files in the tree, lines PATH TEXT
        "devicetree": "",  # a model: QEMU's device tree goes into the tree with this model name
        "kargs": "rw",  # kernel arguments in addition to those of image.kargs()
        "partition": "",  # boot or var: it is on a partition of its own, which the tree's fstab
                          # mounts; fat: /boot is a FAT, which libostree can neither write nor read
        "stateroots": "demo",  # names; one stateroot gets two deployments, several get one each
        "repo-config": "",  # settings KEY=VALUE of the sysroot's repository
        "options": "",  # a sed command on the options of all entries; then the menu is generated
        "change": "",  # a shell script that changes the finished sysroot: see image.change()
    },
    "initramfs": {
        "kind": "none",  # none, rootstock, or one of foreign.COMMANDS
        # The others are for kind = rootstock.
        "modules": "",  # names of kernel modules to include
        "conf": "",  # lines of a prepare-root.conf to include
        "blob": "0",  # MiB of random bytes to include
        "shell": "no",  # yes: busybox is included, for rootstock.onfail=shell
        "compress": "",  # none, gzip, lz4 or zstd; empty: rootstock-mkinitramfs' default
    },
    "boot": {
        "entries": "0",  # the number of the menu entry of each boot, the first entry being 0
        "roots": "",  # root=..., one a line: each boots the first entry with this as its root=
        "slot": "",  # a or b: boot that Android slot, with ostree=true
        "typed": "",  # lines to type into the initramfs' shell, one at each prompt
        "end": "poweroff",  # how the last boot ends: poweroff, panic, halt, reboot[:SECONDS];
                            # typed: by the last line of `typed`; no-root: the kernel finds no
                            # root; no-init: it cannot execute init=; loader: the boot loader
                            # gives up
        "chosen": "",  # the entry that GRUB is told to boot; empty: the first of `entries`
        "timeout": "0",  # the seconds that GRUB shows its menu
    },
    "expect": {
        "args": "",  # argv[1..] of the tree's init, one a line
        "env": "",  # its environment besides HOME, TERM and ostree, one variable a line
        "root": "rw",  # the root file system as mounted: rw, ro, or fixed (it can never be rw)
        "sysroot": "rw",  # /sysroot as mounted: rw or ro
        "usr": "ro",  # /usr as mounted: ro, or overlay for a hotfix
        "model": "",  # the model in the kernel's device tree; empty: not checked
        "switches": "0",  # how often the initramfs' init may give up the processor; 0: not checked
        "console": "",  # what the console must show, one sentence a line; * matches anything
        "grub": "",  # what GRUB must print, on machines with GRUB
        "u-boot": "",  # what U-Boot and our script must print, on machines with U-Boot
        "check": "",  # the ids of what `rootstock-bls check` must find on the disk, and nothing else
                      # (u-boot:ID or grub:ID: only on machines with that loader);
                      # unseen: what makes the boot fail is not in the sysroot, so it says "boots"
    },
}
# With sections [boot 1], [boot 2] and so on a scenario is a life: they say what the guest does in
# each boot of one disk, which starts with version A (see versions.py and guest/life.sh).
BOOT = {
    "version": None,  # the version that must be running, or several of which one must be
    "steps": "",  # what the guest does, one line of shell for each check
    "end": "reboot",  # reboot, poweroff, or kill:SEED in the middle of the last step (see
                      # actions.Killer)
}
# What a scenario needs on the host in addition to its machine, in the form of a machine's `needs`.
GUEST, FOREIGN = "cpio:cpio modprobe:kmod", "depmod:kmod lz4:lz4 /usr/bin/busybox:busybox-static"
NEEDS = {
    "userland": {"debian": "mmdebstrap:mmdebstrap"},
    "ostree": {"trixie": "mmdebstrap:mmdebstrap readelf:binutils",
               "sid": "mmdebstrap:mmdebstrap readelf:binutils"},
    "filesystem": {"btrfs": "btrfs:btrfs-progs " + GUEST, "xfs": "mkfs.xfs:xfsprogs " + GUEST,
                   "f2fs": "mkfs.f2fs:f2fs-tools " + GUEST,
                   "squashfs": "mksquashfs:squashfs-tools", "erofs": "mkfs.erofs:erofs-utils"},
    "kind": {"rootstock": "cpio:cpio depmod:kmod", "dracut": "dracut:dracut-core " + FOREIGN,
             "dracut-systemd": "dracut:dracut-core /lib/systemd/systemd:systemd " + FOREIGN,
             "initramfs-tools": "mkinitramfs:initramfs-tools-core " + FOREIGN},
}
# Names of machines and scenarios. They become names of folders, with "." and "@" between the parts.
NAME = re.compile(r"[A-Za-z0-9_-]+")
NUMBER = "[0-9]+"
# Regular expressions for those values of a scenario that can be checked alone.
VALUES = {
    "disk": {"partition": "|boot|fat|var", "bus": "|" + "|".join(BUSES), "table": "gpt|mbr|backup",
             "attach": "start|twice|protected|" + NUMBER, "filesystem": "|".join(filesystem.KINDS),
             "devices": "1|2", "damage": "|" + "|".join(corrupt.KINDS), "tree": "deployment|plain",
             "userland": "probe|debian", "ostree": "|[a-z]+", "kernels": "same|each"},
    "initramfs": {"kind": "none|rootstock|" + "|".join(foreign.COMMANDS), "shell": "no|yes",
                  "blob": NUMBER, "compress": "|none|lz4|zstd|gzip"},
    "boot": {"end": "poweroff|panic|no-root|no-init|halt|typed|loader|reboot(:[0-9]+)?",
             "slot": "|[ab]", "timeout": "-?" + NUMBER, "chosen": "|" + NUMBER},
    "expect": {"root": "rw|ro|fixed", "sysroot": "rw|ro", "usr": "ro|overlay",
               "switches": NUMBER},
}


def read(path, sections):
    """One ini file as {section: {key: value}} with all defaults. A name in `sections` that ends in
    a blank stands for any number of numbered sections."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True,
                                       inline_comment_prefixes=None, comment_prefixes=("#",))
    try:
        with open(path, encoding="utf-8") as source:
            parser.read_file(source)
    except configparser.Error as error:
        raise ValueError("%s: %s" % (path, str(error).replace("\n", " "))) from error
    result = {}
    for numbered in [name for name in sections if name.endswith(" ")]:
        count = sum(section.startswith(numbered) for section in parser.sections())
        sections = dict(sections, **{numbered + str(number): sections[numbered]
                                     for number in range(1, count + 1)})
        del sections[numbered]
    for section in parser.sections():
        unknown = set(parser[section]) - set(sections.get(section, {}))
        if section not in sections or unknown:
            raise ValueError(f"{path}: [{section}] {' '.join(sorted(unknown))} is not known")
    for section, keys in sections.items():
        result[section] = {}
        for key, default in keys.items():
            value = parser.get(section, key, fallback=default)
            if value is None:
                raise ValueError(f"{path}: [{section}] needs {key}")
            result[section][key] = value
    return result


def scenario(path):
    """A scenario file, with its lists split and its values checked."""
    found = read(path, dict(SCENARIO, **{"boot ": BOOT}))
    found["life"] = life(path, [found.pop(name) for name in list(found) if name[:5] == "boot "])
    for section, keys in VALUES.items():
        for key, pattern in keys.items():
            if not re.fullmatch(pattern, found[section][key]):
                raise ValueError(f"{path}: {key} = {found[section][key]} is not known")
    disk, boot, expect = found["disk"], found["boot"], found["expect"]
    for section, key in (("scenario", "machines"), ("disk", "stateroots"),
                         ("initramfs", "modules")):
        found[section][key] = found[section][key].split()
    disk["versions"] = ["A"] if found["life"] else ["1", "2"]
    boot["roots"], boot["typed"] = lines(boot["roots"]), lines(boot["typed"])
    boot["entries"] = [int(word) for word in boot["entries"].split()]
    if boot["roots"]:
        boot["entries"] = [0] * len(boot["roots"])
    boot["chosen"] = int(boot["chosen"] or boot["entries"][0])
    disk["tree-files"] = dict(line.split(" ", 1) for line in lines(disk["tree-files"]))
    found["initramfs"]["conf"] = lines(found["initramfs"]["conf"])
    for key in ("args", "env", "console", "grub", "u-boot"):
        expect[key] = lines(expect[key])
    expect["check"] = expect["check"].split()
    if boot["end"] not in ("poweroff", "loader") and not expect["console"]:
        raise ValueError(f"{path}: a boot that fails needs its sentence in [expect] console")
    if "unseen" in expect["check"] and boot["end"] == "poweroff":
        raise ValueError(f"{path}: check = unseen is for a boot that fails")
    if (boot["end"] == "typed") != bool(boot["typed"]):
        raise ValueError(f"{path}: end = typed and [boot] typed go together")
    bare = dict(SCENARIO["initramfs"], kind=found["initramfs"]["kind"], modules=[], conf=[])
    if bare["kind"] != "rootstock" and found["initramfs"] != bare:
        raise ValueError(f"{path}: modules, conf, blob, shell and compress are for "
                         "kind = rootstock")
    if disk["partition"] and (disk["filesystem"] != "ext4" or disk["tree"] != "deployment"):
        raise ValueError(f"{path}: partition = is for a deployment on ext4")
    if disk["devices"] != "1" and disk["filesystem"] != "btrfs":
        raise ValueError(f"{path}: devices = is for btrfs")
    return found


def life(path, boots):
    """The boots of a life, with their lists split and their values checked."""
    for boot in boots:
        boot["version"], boot["steps"] = boot["version"].split(), lines(boot["steps"])
        if not re.fullmatch("reboot|poweroff|kill:" + NUMBER, boot["end"]):
            raise ValueError(f"{path}: end = {boot['end']} is not known")
    for before, boot in zip([{"end": ""}] + boots, boots):
        if boot["end"][:4] == "kill" and (before["end"] == "reboot" or len(boot["steps"]) < 4):
            raise ValueError(f"{path}: a boot that ends with a kill is the first of its machine, "
                             "with a rehearsal two steps before its last one")
    if boots and boots[-1]["end"] != "poweroff":
        raise ValueError(f"{path}: the last boot needs end = poweroff")
    return boots


def missing(kind):
    """The packages that a machine needs and this host lacks, as one phrase; '' if none."""
    lacking = set()
    for need in kind["needs"].split():
        what, package = need.rsplit(":", 1)
        if not (os.path.exists(what) if what.startswith("/") else shutil.which(what)):
            lacking.add(package)
    return f"{' '.join(sorted(lacking))} not installed" if lacking else ""


def lines(text):
    """The non-empty lines of a value, without the blanks around them."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def machine(path):
    """A machine file."""
    found = read(path, {"machine": MACHINE})["machine"]
    for key, known in (("loader", loaders.KINDS), ("arch", arch.TRIPLETS)):
        if found[key] not in known:
            raise ValueError(f"{path}: {key} = {found[key]} is not known")
    return found


def cell(machine_path, path):
    """The cell of a machine and a scenario; an error if they do not fit each other."""
    found, kind = scenario(path), machine(machine_path)
    boot, plan = found["boot"], found["disk"]
    if found["life"] and kind["loader"] == "none":
        raise ValueError(f"{path}: a life is for machines with a loader")
    for key, value, normal in (("roots", boot["roots"], []), ("slot", boot["slot"], ""),
                               ("table", plan["table"], "gpt"),
                               ("tree", plan["tree"], "deployment"),
                               ("attach", plan["attach"], "start"),
                               ("filesystem", plan["filesystem"], "ext4")):
        if kind["loader"] != "none" and value != normal:
            raise ValueError(f"{path}: {key} = is for machines without a loader")
    if plan["attach"].isdigit() and plan["bus"]:
        raise ValueError(f"{path}: attach = is for the machine's own bus")
    if kind["modules"]:
        if found["initramfs"]["kind"] != "rootstock":
            raise ValueError(f"{path}: the machine's kernel needs modules, so kind = rootstock")
        found["initramfs"]["modules"] = kind["modules"].split() + found["initramfs"]["modules"]
    found["boot"]["off"] = "poweroff" if kind["power-off"] == "yes" else "halt"
    speaks = kind["loader"] if kind["loader"] == "u-boot" else kind["loader"].split("-")[0]
    found["expect"]["loader"] = found["expect"].get(speaks, [])
    found["expect"]["check"] = [name for loader, _, name in (
        word.rpartition(":") for word in found["expect"]["check"]) if loader in ("", speaks)]
    found["expect"]["noise"] = lines(kind["noise"])
    if boot["end"] == "loader" and not found["expect"]["loader"]:
        raise ValueError(f"{path}: a loader that gives up needs its sentence in [expect]")
    chosen = dict(plan, **found["initramfs"])
    if plan["devicetree"]:
        kind = dict(kind, needs=kind["needs"] + " fdtput:device-tree-compiler")
    if len(set(boot["entries"])) > 1 and kind["loader"] not in ("none", "grub-bios"):
        raise ValueError(f"{path}: on this machine each boot is of the same entry")
    needs = " ".join([kind["needs"], EVERYWHERE, arch.NEEDS[kind["arch"]]] + [
        table.get(chosen[key], "") for key, table in NEEDS.items()])
    return dict(found, name=f"{stem(machine_path)}/{stem(path)}",
                machine=dict(kind, needs=needs, **BUSES.get(plan["bus"], {})))


def tiers(path, found):
    """{machine: tier} of a scenario. Its `tier` is "release" or "ci" for all its cells, or "ci
    MACHINE...": then its cells on other machines are in tier release."""
    tier, *some = found["tier"].split() or [""]
    if (tier not in TIERS or set(some) - set(found["machines"]) or
            (some and (tier != "ci" or set(some) == set(found["machines"])))):
        raise ValueError(f"{path}: tier = {found['tier']} is not known: say ci, release, or ci and "
                         "some of the scenario's machines")
    return {name: tier if not some or name in some else "release" for name in found["machines"]}


def matches(found, pattern):
    """Whether a pattern matches a cell by its name MACHINE/SCENARIO, or is its tier."""
    return pattern == found["tier"] or fnmatch.fnmatchcase(found["name"], pattern)


def load(folder, patterns="*"):
    """All cells that match one of the patterns, sorted by name."""
    machines = {stem(path): path for path in glob.glob(os.path.join(folder, "machines", "*.ini"))}
    cells = []
    for path in glob.glob(os.path.join(folder, "scenarios", "*.ini")):
        wanted = scenario(path)["scenario"]
        unknown = sorted(set(wanted["machines"]) - set(machines))
        if unknown or not wanted["machines"]:
            raise ValueError(f"{path}: machines = {' '.join(unknown)}: there is no such machine")
        for name, tier in tiers(path, wanted).items():
            label = {"name": f"{name}/{stem(path)}", "tier": tier}
            if any(matches(label, pattern) for pattern in patterns.split()):
                cells.append(dict(cell(machines[name], path), tier=tier))
    return sorted(cells, key=lambda found: found["name"])


def unmatched(cells, patterns):
    """The patterns that match no cell. A misspelt one would silently leave out a cell."""
    return [pattern for pattern in patterns.split()
            if not any(matches(found, pattern) for found in cells)]


def stem(path):
    """The name of a machine or scenario: its file's name without folder and .ini."""
    name = os.path.splitext(os.path.basename(path))[0]
    if not NAME.fullmatch(name):
        raise ValueError(f"{path}: a name has only letters, digits, '-' and '_'")
    return name
