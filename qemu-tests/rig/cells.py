# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells: a machine and a scenario, each one small ini file. A word nobody knows is an error, since
a misspelt expectation would otherwise be one that is never checked."""

import configparser
import fnmatch
import glob
import os
import re
import shutil

MACHINE = {"about": None, "firmware": None, "qemu": None, "disk-device": None, "disk-name": None,
           "partition-name": None, "console": None, "loader-mark": None, "needs": None,
           "kernel": None}
# Section, key and default; None means that the file must have it.
SCENARIO = {
    "scenario": {
        "about": None,  # a line for --list
    },
    "disk": {
        "kargs": "rw",  # for the kernel, besides root=, rootwait, console= and panic=1
        "partition": "",  # boot or var: a partition of its own, in the tree's fstab
        "stateroots": "demo",  # one gets two deployments, of several each gets one
        "repo-config": "",  # KEY=VALUE of the sysroot's repository
        "options": "",  # a sed command for the options of all entries; the menu is made anew
        "change": "",  # a shell script on the finished sysroot, see image.change()
    },
    "boot": {
        "entries": "0",  # the menu entry of each boot, the first entry being 0
        "end": "poweroff",  # of the last boot: poweroff, panic, halt, reboot or reboot:SECONDS
        "timeout": "0",  # of GRUB's menu
    },
    "expect": {
        "args": "",  # argv[1..] of the tree's init, one a line
        "env": "",  # its environment, besides HOME, TERM and ostree, one variable a line
        "root": "rw",  # how the kernel mounts the root file system, ro or rw
        "sysroot": "rw",  # whether /sysroot is to be ro or rw
        "console": "",  # what must be on the console, one sentence a line, * is anything
    },
}
# Of machines and scenarios: they become names of folders, with "." and "@" between the parts.
NAME = re.compile(r"[A-Za-z0-9_-]+")
ENDS = re.compile(r"poweroff|panic|halt|reboot(:[0-9]+)?")


def read(path, sections):
    """One ini file as {section: {key: value}}, complete with defaults."""
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True,
                                       inline_comment_prefixes=None, comment_prefixes=("#",))
    try:
        with open(path, encoding="utf-8") as source:
            parser.read_file(source)
    except configparser.Error as error:
        raise ValueError("%s: %s" % (path, str(error).replace("\n", " "))) from error
    result = {}
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
    found = read(path, SCENARIO)
    disk, boot, expect = found["disk"], found["boot"], found["expect"]
    boot["entries"] = [int(word) for word in boot["entries"].split()]
    disk["stateroots"] = disk["stateroots"].split()
    expect["args"], expect["env"] = lines(expect["args"]), lines(expect["env"])
    expect["console"] = lines(expect["console"])
    if not ENDS.fullmatch(boot["end"]):
        raise ValueError("%s: end = %s is not known" % (path, boot["end"]))
    if disk["partition"] not in ("", "boot", "var"):
        raise ValueError("%s: partition = %s is not known" % (path, disk["partition"]))
    if boot["end"] != "poweroff" and not expect["console"]:
        raise ValueError("%s: a boot that fails needs its sentence in [expect] console" % path)
    return found


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
    return read(path, {"machine": MACHINE})["machine"]


def load(folder, pattern="*"):
    """All cells whose name MACHINE/SCENARIO matches the pattern, in order of name."""
    cells = []
    for machine_path in sorted(glob.glob(os.path.join(folder, "machines", "*.ini"))):
        for path in sorted(glob.glob(os.path.join(folder, "scenarios", "*.ini"))):
            name = "%s/%s" % (stem(machine_path), stem(path))
            if fnmatch.fnmatchcase(name, pattern):
                cells.append(dict(scenario(path), name=name, machine=machine(machine_path)))
    return cells


def stem(path):
    """The file's name without folder and .ini, which is the name of the machine or scenario."""
    name = os.path.splitext(os.path.basename(path))[0]
    if not NAME.fullmatch(name):
        raise ValueError("%s: a name has only letters, digits, '-' and '_'" % path)
    return name
