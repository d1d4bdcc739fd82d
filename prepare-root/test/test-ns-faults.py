#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that fail, by strace, in real boots. Twice over: every call that changes something,
as the kernel sees them, and every place in step.c and pid1.c that can fail, as the sources have
them. A call in these two files without a row in SITES is a failure."""

import collections
import contextlib
import glob
import os
import re
import sys
import tempfile

import nsboot
import nstap
import nstree
from nssys import MS_RDONLY

HERE = os.path.dirname(os.path.abspath(__file__))
BOTH = nsboot.KINDS
CHANGING = "mount,umount2,pivot_root,mkdir,rmdir,chmod,chdir"


def traced(kind, changes, log, *options, **keywords):
    """(exit status or "init runs", stderr, mounts before, mounts after, names that are new or gone
    in the initramfs) of one traced run."""
    with contextlib.ExitStack() as stack:
        files = [(nsboot.PROGRAM, PARTS[0], 0o755)] if kind == "pid1" else []
        world = stack.enter_context(nsboot.world(kind, PARTS, *changes, files=files, **keywords))
        table, names = nsboot.table(world), set(world.inside(nsboot.listing))

        def attach(pid):
            stack.enter_context(nsboot.strace(pid, log, "-y", *options))
        if kind == "utility":
            status, _, said = world.run([nsboot.PROGRAM, "/sysroot"], before=attach)
            names ^= set(world.inside(nsboot.listing))
        else:
            attach(world.process_1)
            status = "init runs" if world.go([nsboot.PROGRAM]) else None
            status, said = status or world.exit_status(), world.text()
        after = nsboot.table(world)
        world.close()
        return status, said, table, after, names


def calls(log):
    """[(system call, how many of it so far, its arguments)] of a trace."""
    found, count = [], collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            # A reboot does not return.
            match = (re.match(r"(?:\d+ +)?(\w+)\((.*)\) += ", line) or
                     re.match(r"(?:\d+ +)?(\w+)\((.*?)(?: <unfinished|\)?$)", line))
            if match:
                count[match[1]] += 1
                found.append((match[1], count[match[1]], match[2]))
    return found


def path_of(name, args):
    """The path that a call is about."""
    paths = re.findall(r'"((?:[^"\\]|\\.)*)"', args)
    return paths[min(1, len(paths) - 1)] if name == "mount" else paths[0]


# --- every call that changes something ---

# Failures that are said and then lived with, because the system boots all the same.
TOLERATED = {("rmdir", "/sysroot.tmp")}


def each_call_fails(kind, flags, *changes):
    """Every one of the calls, failing alone: exit 1 and the sentence names its path, and a utility
    leaves the mounts and the initramfs as it found them."""
    with tempfile.TemporaryDirectory() as where:
        log = where + "/log"
        good, _, _, done, _ = traced(kind, changes, log, "-e", "trace=" + CHANGING,
                                     root_flags=flags)
        if good not in (0, "init runs"):
            return ["fails without a fault"]
        problems = []
        listed = calls(log)
        for name, number, args in listed:
            path = path_of(name, args)
            status, said, before, after, names = traced(
                kind, changes, log, "-e", "trace=" + CHANGING,
                "-e", f"inject={name}:error=EIO:when={number}", root_flags=flags)
            wrong = nsboot.sentence_problems(said, re.escape(path))
            if (name, path) in TOLERATED:
                wrong += nsboot.differs("exit", status, good)
                wrong += nsboot.differs("mounts", nsboot.changed(done, after), [])
            else:
                wrong += nsboot.differs("exit", status, 1)
            if kind == "utility" and status:
                wrong += nsboot.differs("mounts", nsboot.changed(before, after), [])
                wrong += nsboot.differs("initramfs", names, set())
            problems += [f"{name} {number} {path}: {problem}" for problem in wrong]
        return problems + nsboot.differs("enough calls", len(listed) >= 15, True)


# --- every place in two sources ---

Fails = collections.namedtuple(
    "Fails", "kind syscalls args status said options changes which", defaults=({}, (), 0))
Elsewhere = collections.namedtuple("Elsewhere", "file text")


def lost(action=""):
    """World keywords: process 1 gives up, and then does this."""
    return {"cmdline": "quiet" + (f" rootstock.onfail={action}" if action else "")}


BOOTED = r'ostree-booted"'
ENTER = Elsewhere("initramfs/test/test-enter.c", "enter_root(&fault) < 0")
OPEN, STAT = "open,openat", "newfstatat,fstatat64,statx"
NO_OSTREE = "no ostree= on the kernel command line"

# (file, function, call, which of these in the function): what fails there and what comes of it; or
# which other test has it fail. args are for the arguments; of calls that match, the one that which
# counts is meant. said is for the last line of standard error; None: nothing is said.
SITES = {
    ("step.c", "pivot", "chdir", 1): Fails("pid1", "chdir", r'^"/ostree/deploy', 1, "cannot pivot to"),
    ("step.c", "pivot", "syscall", 1): Fails("pid1", "pivot_root", "", 1, "cannot pivot to"),
    ("step.c", "pivot", "chdir", 2): Fails("pid1", "chdir", r'^"/"$', 1, "cannot pivot to"),
    ("step.c", "switch_root", "chdir", 1): ENTER,
    ("step.c", "switch_root", "mount", 1): ENTER,
    ("step.c", "switch_root", "chroot", 1): ENTER,
    ("step.c", "switch_root", "chdir", 2): ENTER,
    ("step.c", "write_file", "open", 1): Fails(
        "utility", OPEN, BOOTED, 1, "cannot write /run/ostree-booted"),
    ("step.c", "write_file", "write", 1): Fails(
        "utility", "write", "ostree-booted>", 1, "cannot write /run/ostree-booted"),
    ("step.c", "write_file", "close", 1): Fails("utility", "close", "ostree-booted>", 0, None),
    ("step.c", "execute", "execv", 1): Fails(
        "pid1", "execve", '^"/sbin/init"', 1, "cannot execute /sbin/init"),
    ("step.c", "run_one", "umount2", 1): Fails(
        "pid1", "umount2", '^"/proc"', 1, NO_OSTREE, {"mounts": ("dev",)}),
    ("step.c", "run_one", "chdir", 1): Fails(
        "pid1", "chdir", r'^"/ostree/deploy', 1, "cannot enter /ostree/deploy", {},
        (nstree.hotfix,)),
    ("step.c", "run_one", "mkdir", 1): Fails(
        "utility", "mkdir,mkdirat", '"/run/ostree"', 1, "cannot make directory /run/ostree"),
    ("step.c", "run_one", "rmdir", 1): Fails(
        "utility", "rmdir,unlinkat", "sysroot.tmp", 0, "cannot remove directory /sysroot.tmp"),
    ("step.c", "run_one", "mount", 1): Fails(
        "utility", "mount", r'/sysroot.tmp/usr", "/sysroot.tmp/usr"', 1, "cannot bind /sysroot.tmp/usr"),
    ("step.c", "print", "write", 1): Elsewhere(
        "prepare-root/test/test-cli.sh", "an output that takes nothing is an error"),
    # Without /proc the command line is not known.
    ("pid1.c", "open_proc", "open", 1): Fails("pid1", OPEN, '"/proc"', 1, NO_OSTREE),
    ("pid1.c", "boot", "close", 1): Fails("pid1", "close", "</proc>", "init runs", None),
    ("pid1.c", "is_first_process", "fstatat", 1): Fails(
        "pid1", STAT, '</proc>, "self"', 1, NO_OSTREE, lost()),
    ("pid1.c", "is_first_process", "fstatat", 2): Fails(
        "pid1", STAT, '"self/ns/pid"', 1, NO_OSTREE, lost()),
    ("pid1.c", "is_first_process", "close", 1): Fails(
        "pid1", "close", "</proc>", 1, NO_OSTREE, lost(), (), -1),
    ("pid1.c", "pid1_give_up", "sync", 1): Fails("pid1", "sync", "", 1, NO_OSTREE, lost()),
    ("pid1.c", "pid1_give_up", "reboot", 1): Fails(
        "pid1", "reboot", "", 1, "halting, as", lost("halt")),
    ("pid1.c", "pid1_give_up", "sleep", 1): Fails(
        "pid1", "nanosleep,clock_nanosleep", "", -1, "rebooting in 1 seconds", lost("reboot:1")),
    ("pid1.c", "pid1_give_up", "reboot", 2): Fails(
        "pid1", "reboot", "", 1, "rebooting, as", lost("reboot")),
}

# What no source needs a row for: it makes no system call.
NO_CALLS = {"before_init", "strerror", "strlen", "defined", "sizeof", "if", "while", "for", "switch", "return"}


def source(name):
    """The text of a source without its comments and strings."""
    with open(f"{HERE}/../{name}", encoding="utf-8") as f:
        return re.sub(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"', "", f.read(), flags=re.S)


def ours():
    """The names of our own functions, as the headers declare them."""
    return {name for path in glob.glob(HERE + "/../*.h")
            for name in re.findall(r"\b(\w+)\(", source(os.path.basename(path)))}


def sites(name):
    """{(file, function, call, number)} of what a source calls from the C library."""
    found, count, function = set(), collections.Counter(), None
    text = source(name)
    known = ours() | NO_CALLS | set(re.findall(r"^static [^;={]*?\b(\w+)\(", text, re.M))
    for line in text.splitlines():
        start = re.match(r"\w[^;={]*?\b(\w+)\(", line)
        if start:
            function = start[1]
            continue
        for call in re.findall(r"\b([a-z]\w*)\(", line):
            if call not in known and function:
                count[function, call] += 1
                found.add((name, function, call, count[function, call]))
    return found


def every_site_is_listed():
    """The sources and SITES agree, and what other tests are said to have is there."""
    found = sites("step.c") | sites("pid1.c")
    problems = [f"no row for {site}" for site in sorted(found - SITES.keys())]
    problems += [f"no such place: {site}" for site in sorted(SITES.keys() - found)]
    for row in SITES.values():
        if isinstance(row, Elsewhere):
            with open(f"{HERE}/../../{row.file}", encoding="utf-8") as f:
                problems += [] if row.text in f.read() else [f"not in {row.file}: {row.text}"]
    return problems


def one_site_fails(row):
    """The failure of one call, found by its arguments in a run without a fault."""
    trace = ("-e", "trace=" + ",".join("?" + name for name in row.syscalls.split(",")))
    with tempfile.TemporaryDirectory() as where:
        log = where + "/log"
        traced(row.kind, row.changes, log, *trace, **row.options)
        found = [(name, number) for name, number, args in calls(log) if re.search(row.args, args)]
        if not found:
            return ["there is no such call: " + row.syscalls]
        name, number = found[row.which]
        status, said, before, after, _ = traced(
            row.kind, row.changes, log, *trace,
            "-e", f"inject={name}:error=EIO:when={number}", **row.options)
    lines = said.splitlines()
    problems = nsboot.differs("exit", status, row.status)
    if row.said is None:
        problems += nsboot.differs("said", lines, [])
    elif not lines or row.said not in lines[-1]:
        problems.append(f"{row.said!r} is not at the end of {said!r}")
    # Process 1 that has begun does not go back: the machine ends.
    if status == 1 and row.syscalls != "umount2" and (row.kind == "utility" or row.said == NO_OSTREE):
        problems += nsboot.differs("mounts", nsboot.changed(before, after), [])
    return problems


if __name__ == "__main__":
    PARTS = nstap.program("ostree-prepare-root"), nstap.probe()
    LISTED = every_site_is_listed()  # now: another user may not be let into the checkout
    CASES = [("every place is listed", lambda: LISTED)]
    CASES += [(f"{' '.join(map(str, site))} fails", lambda r=row: one_site_fails(r))
              for site, row in SITES.items() if isinstance(row, Fails)]
    CASES += [(f"{kind} each call fails, root {what}",
               lambda k=kind, f=flags: each_call_fails(k, f, nstree.readonly))
              for kind in BOTH for what, flags in (("rw", 0), ("ro", MS_RDONLY))]
    # Where /var is not ours the plan has a mount of its own on the physical root.
    CASES += [("utility each call fails, fstab /var", lambda: each_call_fails(
        "utility", 0, nstree.readonly, nstree.fstab_var))]
    sys.exit(nstap.main(CASES))
