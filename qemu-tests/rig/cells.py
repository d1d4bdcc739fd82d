# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells: a machine and a scenario, each one small ini file. An unknown word is an error, since
a misspelt expectation would otherwise be one that is never checked."""

import configparser
import fnmatch
import glob
import os
import re
import shutil

from rig.disk import corrupt, filesystem, foreign, loaders
from rig.host import arch

# Key and default; None means that the file must have it.
MACHINE = {
    "about": None, "firmware": None,
    "arch": "x86_64",  # of the machine and of its programs: see arch.TRIPLETS
    "bios": "",  # the file of the firmware, if it is not QEMU's own
    "bios-option": "-bios",  # QEMU's for it; -kernel where QEMU's own firmware is to start it
    "bios-package": "",  # RELEASE ARCH PACKAGE that it is in, if that is not installed here
    "bios-address": "",  # where an i.MX image is put, less its header: its ROM would do that
    "bios-patch": "",  # OLD|NEW, one a line: settings in it, see firmware.py
    "qemu": None, "disk-device": None, "disk-name": None, "partition-name": None, "console": None,
    "report": "ttyS1",  # the guest's name of the port that it reports through
    "report-shared": "no",  # yes: the firmware writes to that port too, before the first boot
    "report-first": "no",  # yes: the console is the second serial port
    "report-device": "",  # QEMU's device for it, if it is not the second serial port
    "board-dtb": "",  # of the device trees beside the kernel, the one that the tree brings
    "power-off": "yes",  # no: QEMU's model has none, and the kernel halts
    "loader": None,  # see loaders.KINDS
    "grub": "",  # RELEASE ARCH PACKAGE of GRUB's modules, if they are not the host's
    "noise": "",  # what its kernel always complains about, one sentence a line
    "loader-mark": None, "needs": None, "kernel": None,
    "modules": "",  # that each initramfs needs, since they are not in its kernel
}
# What every machine needs on the host.
EVERYWHERE = "sfdisk:fdisk mkfs.ext4:e2fsprogs ostree:ostree"
# Other buses than the machine's own: QEMU's devices, the last one being the disk, and the names.
BUSES = {
    "virtio": {"disk-device": "virtio-blk-pci", "disk-name": "vda", "partition-name": "vda%d"},
    "scsi": {"disk-device": "virtio-scsi-pci scsi-hd", "disk-name": "sda",
             "partition-name": "sda%d"},
}
# When cells run: with every change, or before a release.
TIERS = ("ci", "release")
# Section, key and default.
SCENARIO = {
    "scenario": {
        "about": None,  # a line for --list
        "machines": "x86-bios-grub",  # each makes a cell
        "tier": "",  # of these cells, see tiers(); nothing where there is no matrix
    },
    "disk": {
        "bus": "",  # see BUSES; the machine's own if empty
        "attach": "start",  # or twice, protected (it cannot be written to), or so many seconds after the init starts
        "table": "gpt",  # of partitions: gpt, mbr, or backup (a GPT without its first two sectors)
        "filesystem": "ext4",  # of the root: see filesystem.KINDS
        "devices": "1",  # partitions that the root's file system is on
        "label": "root",  # of the root's file system
        "damage": "",  # see corrupt.KINDS
        "tree": "deployment",  # what is to be booted; plain: a root without OSTree
        "ostree": "",  # of this Debian release: the disk's writer, and in a life's small tree
        "userland": "probe",  # in the tree: the probe and busybox, or debian, which has systemd
        "kernels": "same",  # of two deployments: the same, or each its own (which differ by a byte)
        "tree-files": "",  # PATH TEXT of files of the tree, one a line
        "devicetree": "",  # in the tree: QEMU's own, under the name of this model
        "kargs": "rw",  # for the kernel, besides those of image.kargs()
        "partition": "",  # boot or var: a partition of its own, in the tree's fstab; fat: /boot on
                          # a FAT, which libostree can neither write nor read
        "stateroots": "demo",  # one gets two deployments, of several each gets one
        "repo-config": "",  # KEY=VALUE of the sysroot's repository
        "options": "",  # a sed command for the options of all entries; the menu is made anew
        "change": "",  # a shell script on the finished sysroot, see image.change()
    },
    "initramfs": {
        "kind": "none",  # rootstock, or one of foreign.COMMANDS
        "modules": "",  # of the kernel, for rootstock's
        "conf": "",  # lines of the prepare-root.conf in rootstock's
        "blob": "0",  # MiB of a file besides, for rootstock's
        "shell": "no",  # yes: busybox is in it, for rootstock's
        "compress": "",  # as rootstock-mkinitramfs knows it
    },
    "boot": {
        "entries": "0",  # the menu entry of each boot, the first entry being 0
        "roots": "",  # without a loader: a boot of the first entry for each line, instead of root=
        "slot": "",  # without a loader: the letter of an Android slot, whose kernels get ostree=true
        "typed": "",  # lines for the shell that is there in the end, one at each prompt
        "end": "poweroff",  # of the last boot: poweroff, panic, halt, typed, reboot[:SECONDS]
        "chosen": "",  # what GRUB's menu is told to boot; the first of `entries` if empty
        "timeout": "0",  # of GRUB's menu
    },
    "expect": {
        "args": "",  # argv[1..] of the tree's init, one a line
        "env": "",  # its environment, besides HOME, TERM and ostree, one variable a line
        "root": "rw",  # how the kernel mounts the root file system, ro or rw; fixed: ro for ever
        "sysroot": "rw",  # whether /sysroot is to be ro or rw
        "usr": "ro",  # ro, or overlay for a hotfix
        "model": "",  # what the device tree says that the kernel got, if anything is asked
        "switches": "0",  # how often an initramfs' init may give up the processor; 0: any number
        "console": "",  # what must be on the console, one sentence a line, * is anything
        "grub": "",  # the same for what GRUB says, where the machine has it
        "u-boot": "",  # and for U-Boot with our script
    },
}
# Sections [boot 1], [boot 2] and so on make a scenario a life: what the guest does in each boot of
# a disk that starts with version A (see versions.py and guest/life.sh).
BOOT = {
    "version": None,  # that must be running; several if one of them must
    "steps": "",  # a line of shell for each check
    "end": "reboot",  # or poweroff, or kill:SEED in the middle of the last step (actions.Killer)
}
# What a scenario needs on the host besides its machine, in a machine's words.
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
# Of machines and scenarios: they become names of folders, with "." and "@" between the parts.
NAME = re.compile(r"[A-Za-z0-9_-]+")
NUMBER = "[0-9]+"
# What the values of a scenario's keys look like, as far as each can be checked alone.
VALUES = {
    "disk": {"partition": "|boot|fat|var", "bus": "|" + "|".join(BUSES), "table": "gpt|mbr|backup",
             "attach": "start|twice|protected|" + NUMBER, "filesystem": "|".join(filesystem.KINDS),
             "devices": "1|2", "damage": "|" + "|".join(corrupt.KINDS), "tree": "deployment|plain",
             "userland": "probe|debian", "ostree": "|[a-z]+", "kernels": "same|each"},
    "initramfs": {"kind": "none|rootstock|" + "|".join(foreign.COMMANDS), "shell": "no|yes",
                  "blob": NUMBER, "compress": "|none|lz4|zstd|gzip"},
    "boot": {"end": "poweroff|panic|no-root|halt|typed|loader|reboot(:[0-9]+)?",
             "slot": "|[ab]", "timeout": "-?" + NUMBER, "chosen": "|" + NUMBER},
    "expect": {"root": "rw|ro|fixed", "sysroot": "rw|ro", "usr": "ro|overlay",
               "switches": NUMBER},
}


def read(path, sections):
    """One ini file as {section: {key: value}}, complete with defaults; a key of `sections` that
    ends in a blank stands for any number of numbered sections."""
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
            raise ValueError("%s: [%s] %s is not known" % (
                path, section, " ".join(sorted(unknown))))
    for section, keys in sections.items():
        result[section] = {}
        for key, default in keys.items():
            value = parser.get(section, key, fallback=default)
            if value is None:
                raise ValueError("%s: [%s] needs %s" % (path, section, key))
            result[section][key] = value
    return result


def scenario(path):
    """A scenario file, with its lists split and its words checked."""
    found = read(path, dict(SCENARIO, **{"boot ": BOOT}))
    found["life"] = life(path, [found.pop(name) for name in list(found) if name[:5] == "boot "])
    for section, keys in VALUES.items():
        for key, pattern in keys.items():
            if not re.fullmatch(pattern, found[section][key]):
                raise ValueError("%s: %s = %s is not known" % (path, key, found[section][key]))
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
    if boot["end"] not in ("poweroff", "loader") and not expect["console"]:
        raise ValueError("%s: a boot that fails needs its sentence in [expect] console" % path)
    if (boot["end"] == "typed") != bool(boot["typed"]):
        raise ValueError("%s: end = typed and [boot] typed go together" % path)
    bare = dict(SCENARIO["initramfs"], kind=found["initramfs"]["kind"], modules=[], conf=[])
    if bare["kind"] != "rootstock" and found["initramfs"] != bare:
        raise ValueError("%s: modules, conf, blob, shell and compress are for kind = rootstock" % path)
    if disk["partition"] and (disk["filesystem"] != "ext4" or disk["tree"] != "deployment"):
        raise ValueError("%s: partition = is for a deployment on ext4" % path)
    if disk["devices"] != "1" and disk["filesystem"] != "btrfs":
        raise ValueError("%s: devices = is for btrfs" % path)
    return found


def life(path, boots):
    """The boots of a life, with their lists split and their words checked."""
    for boot in boots:
        boot["version"], boot["steps"] = boot["version"].split(), lines(boot["steps"])
        if not re.fullmatch("reboot|poweroff|kill:" + NUMBER, boot["end"]):
            raise ValueError("%s: end = %s is not known" % (path, boot["end"]))
    for before, boot in zip([{"end": ""}] + boots, boots):
        if boot["end"][:4] == "kill" and (before["end"] == "reboot" or len(boot["steps"]) < 4):
            raise ValueError("%s: a boot that ends with a kill is the first of its machine, with a "
                             "rehearsal two steps before its last one" % path)
    if boots and boots[-1]["end"] != "poweroff":
        raise ValueError("%s: the last boot needs end = poweroff" % path)
    return boots


def missing(kind):
    """What a machine lacks on this host, as one phrase; '' if it can run."""
    lacking = set()
    for need in kind["needs"].split():
        what, package = need.rsplit(":", 1)
        if not (os.path.exists(what) if what.startswith("/") else shutil.which(what)):
            lacking.add(package)
    return "%s not installed" % " ".join(sorted(lacking)) if lacking else ""


def lines(text):
    """The non-empty lines of a value, without the blanks around them."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def machine(path):
    """A machine file."""
    found = read(path, {"machine": MACHINE})["machine"]
    for key, known in (("loader", loaders.KINDS), ("arch", arch.TRIPLETS)):
        if found[key] not in known:
            raise ValueError("%s: %s = %s is not known" % (path, key, found[key]))
    return found


def cell(machine_path, path):
    """The cell of a machine and a scenario, which have to fit each other."""
    found, kind = scenario(path), machine(machine_path)
    boot, plan = found["boot"], found["disk"]
    if found["life"] and kind["loader"] == "none":
        raise ValueError("%s: a life is for machines with a loader" % path)
    for key, value, normal in (("roots", boot["roots"], []), ("slot", boot["slot"], ""),
                               ("table", plan["table"], "gpt"),
                               ("tree", plan["tree"], "deployment"),
                               ("attach", plan["attach"], "start"),
                               ("filesystem", plan["filesystem"], "ext4")):
        if kind["loader"] != "none" and value != normal:
            raise ValueError("%s: %s = is for machines without a loader" % (path, key))
    if plan["attach"].isdigit() and plan["bus"]:
        raise ValueError("%s: attach = is for the machine's own bus" % path)
    if kind["modules"]:
        if found["initramfs"]["kind"] != "rootstock":
            raise ValueError("%s: the machine's kernel needs modules, so kind = rootstock" % path)
        found["initramfs"]["modules"] = kind["modules"].split() + found["initramfs"]["modules"]
    found["boot"]["off"] = "poweroff" if kind["power-off"] == "yes" else "halt"
    speaks = kind["loader"] if kind["loader"] == "u-boot" else kind["loader"].split("-")[0]
    found["expect"]["loader"] = found["expect"].get(speaks, [])
    found["expect"]["noise"] = lines(kind["noise"])
    if boot["end"] == "loader" and not found["expect"]["loader"]:
        raise ValueError("%s: a loader that gives up needs its sentence in [expect]" % path)
    chosen = dict(plan, **found["initramfs"])
    if plan["devicetree"]:
        kind = dict(kind, needs=kind["needs"] + " fdtput:device-tree-compiler")
    if len(set(boot["entries"])) > 1 and kind["loader"] not in ("none", "grub-bios"):
        raise ValueError("%s: on this machine each boot is of the same entry" % path)
    needs = " ".join([kind["needs"], EVERYWHERE, arch.NEEDS[kind["arch"]]] + [
        table.get(chosen[key], "") for key, table in NEEDS.items()])
    return dict(found, name="%s/%s" % (stem(machine_path), stem(path)),
                machine=dict(kind, needs=needs, **BUSES.get(plan["bus"], {})))


def tiers(path, found):
    """{machine: tier} of a scenario. It says "release" or "ci" of all its cells, or "ci MACHINE...":
    then those of its other machines wait for a release."""
    tier, *some = found["tier"].split() or [""]
    if (tier not in TIERS or set(some) - set(found["machines"]) or
            (some and (tier != "ci" or set(some) == set(found["machines"])))):
        raise ValueError("%s: tier = %s is not known: say ci, release, or ci and some of the "
                         "scenario's machines" % (path, found["tier"]))
    return {name: tier if not some or name in some else "release" for name in found["machines"]}


def matches(found, pattern):
    """Whether a pattern stands for a cell: by its name MACHINE/SCENARIO, or as its tier."""
    return pattern == found["tier"] or fnmatch.fnmatchcase(found["name"], pattern)


def load(folder, patterns="*"):
    """All cells that one of the patterns stands for, in order of name."""
    machines = {stem(path): path for path in glob.glob(os.path.join(folder, "machines", "*.ini"))}
    cells = []
    for path in glob.glob(os.path.join(folder, "scenarios", "*.ini")):
        wanted = scenario(path)["scenario"]
        unknown = sorted(set(wanted["machines"]) - set(machines))
        if unknown or not wanted["machines"]:
            raise ValueError("%s: machines = %s: there is no such machine" % (
                path, " ".join(unknown)))
        for name, tier in tiers(path, wanted).items():
            label = {"name": "%s/%s" % (name, stem(path)), "tier": tier}
            if any(matches(label, pattern) for pattern in patterns.split()):
                cells.append(dict(cell(machines[name], path), tier=tier))
    return sorted(cells, key=lambda found: found["name"])


def unmatched(cells, patterns):
    """Those of the patterns that match no cell: a misspelt one would be a cell that never runs."""
    return [pattern for pattern in patterns.split()
            if not any(matches(found, pattern) for found in cells)]


def stem(path):
    """The file's name without folder and .ini, which is the name of the machine or scenario."""
    name = os.path.splitext(os.path.basename(path))[0]
    if not NAME.fullmatch(name):
        raise ValueError("%s: a name has only letters, digits, '-' and '_'" % path)
    return name
