# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that fail, by strace, in real boots; and the tables of them, which must have a row
for every place in a source that can fail."""

import collections
import contextlib
import glob
import os
import re
import tempfile

from testlib import nsboot

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# What fails in a boot, and what comes of it. syscalls and args find the call in a boot without the
# fault; of those that match, the one that which counts is meant. status is "init runs", or how the
# program ended. said is for the last line of standard error; None: nothing is said. options and
# changes are for nsboot.world(), but for shell, the program that the initramfs has as its shell,
# and strace, options by which more fails. A boot that goes on as without the fault has the same
# mounts, but for those in moved, and the same files of the initramfs are gone, but for those in
# odd. One that ends has lost no files but those in odd.
Fails = collections.namedtuple(
    "Fails", "kind syscalls args status said options changes which moved odd",
    defaults=({}, (), 0, (), ()))
# Another test has it fail: it has this text.
Elsewhere = collections.namedtuple("Elsewhere", "file text")
# No test has it fail.
Untried = collections.namedtuple("Untried", "why")

# What makes no system call that can fail, and wants no memory.
NO_CALLS = {"before_init", "defined", "sizeof", "if", "while", "for", "switch", "return", "dirfd",
            "free", "getpid", "memchr", "memcpy", "strchr", "strcmp", "strcpy", "strcspn", "strerror",
            "strlen", "strncmp", "_exit"}
# Ours, which do what their caller says in one system call.
STEPS = {"step_run", "step_try"}


def traced(kind, parts, changes, log, *options, **keywords):
    """(exit status or "init runs", stderr, mounts before, mounts after, names that are new or gone
    in the initramfs) of one traced run."""
    more = keywords.pop("strace", ())
    with contextlib.ExitStack() as stack:
        files = [] if kind == "utility" else [(nsboot.PROGRAM, parts[0], 0o755)]
        if "shell" in keywords:
            files.append(("/bin/sh", keywords.pop("shell"), 0o755))
        world = stack.enter_context(nsboot.world(kind, parts, *changes, files=files, **keywords))
        table = nsboot.table(world)
        # By this descriptor process 1's first root is seen when it is no longer its root.
        first = os.open(f"/proc/{world.process_1}/root", os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, first)
        names = names_in(first)

        def attach(pid):
            stack.enter_context(nsboot.strace(pid, log, "-f", "-y", *more, *options))
        if kind == "utility":
            status, _, said = world.run([nsboot.PROGRAM, "/sysroot"], before=attach)
        else:
            attach(world.process_1)
            status = "init runs" if world.go([nsboot.PROGRAM]) else None
            status, said = status or world.exit_status(), world.text()
        names ^= names_in(first)
        after = nsboot.table(world)
        world.close()
        return status, said, table, after, names


def names_in(first):
    """The paths on the file system of a directory, given by a descriptor."""
    found, device = set(), os.fstat(first).st_dev
    for path, folders, files, here in os.fwalk(".", dir_fd=first):
        found.update(os.path.normpath(f"{path}/{name}") for name in folders + files)
        folders[:] = [name for name in folders
                      if os.stat(name, dir_fd=here, follow_symlinks=False).st_dev == device]
    return found


def calls(log):
    """[(system call, how many of it so far in its process, its arguments)] of a trace, from where
    the program starts."""
    found, count = None, collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            # A reboot does not return.
            match = (re.match(r"(\d+ +)?(\w+)\((.*)\) += ", line) or
                     re.match(r"(\d+ +)?(\w+)\((.*?)(?: <unfinished|\)?$)", line))
            if match:
                count[match[1], match[2]] += 1
                if found is not None:
                    found.append((match[2], count[match[1], match[2]], match[3]))
                elif match[2] == "execve":
                    found = []
    return found or []


# --- every place in a source ---


def source(path):
    """The text of a source without its comments and strings."""
    with open(f"{TOP}/{path}", encoding="utf-8") as f:
        return re.sub(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"', "", f.read(), flags=re.S)


def ours(path):
    """The names of our own functions that a source may call, as the headers declare them."""
    return {name for folder in ("prepare-root", os.path.dirname(path))
            for header in glob.glob(f"{TOP}/{folder}/*.h")
            for name in re.findall(r"\b(\w+)\(", source(os.path.relpath(header, TOP)))}


def sites(path):
    """{(file, function, call, number)} of the places in a source that can fail: what it calls from
    a library, and the steps that it runs. Of a function of its own that has such places and is used
    more than once each use is one, since one may be forgiven and another not; if it has one place,
    instead of that."""
    calling, function, text = collections.defaultdict(list), None, source(path)
    static = set(re.findall(r"^static [^;={]*?\b(\w+)\(", text, re.M))
    for line in text.splitlines():
        start = re.match(r"\w[^;={]*?\b(\w+)\(", line)
        if start:
            function = start[1]
        elif function:
            calling[function] += re.findall(r"\b([a-z_]\w*)\(", line)
    can_fail = set().union(*calling.values()) - (ours(path) - STEPS) - NO_CALLS - static
    used = collections.Counter(name for names in calling.values() for name in names)
    more = True
    while more:
        more = {name for name in static - can_fail
                if used[name] > 1 and can_fail & set(calling[name])}
        can_fail |= more
    return {(os.path.basename(path), function, name, number + 1)
            for function, names in calling.items() for name in set(names) & can_fail
            for number in range(names.count(name))
            if function not in can_fail or sum(other in can_fail for other in names) > 1}


def unlisted(table, *paths):
    """What the sources and a table do not agree on; and what other tests are said to have and have
    not."""
    found = set().union(*map(sites, paths))
    problems = [f"no row for {site}" for site in sorted(found - table.keys())]
    problems += [f"no such place: {site}" for site in sorted(table.keys() - found)]
    for row in table.values():
        if isinstance(row, Elsewhere):
            with open(f"{TOP}/{row.file}", encoding="utf-8") as f:
                problems += [] if row.text in f.read() else [f"not in {row.file}: {row.text}"]
    return problems


def fails(row, parts):
    """The failure of one call: what is wrong with what came of it."""
    trace = ("-e", "trace=execve,mount," + ",".join("?" + name for name in row.syscalls.split(",")))
    with tempfile.TemporaryDirectory() as where:
        log = where + "/log"
        good, _, _, done, gone = traced(row.kind, parts, row.changes, log, *trace, **row.options)
        found = [(name, number) for name, number, args in calls(log)
                 if name in row.syscalls.split(",") and re.search(row.args, args)]
        if not found:
            return ["there is no such call: " + row.syscalls]
        name, number = found[row.which]
        status, said, before, after, names = traced(
            row.kind, parts, row.changes, log, *trace,
            "-e", f"inject={name}:error=EIO:when={number}", **row.options)
    lines = said.splitlines()
    problems = nsboot.differs("exit", status, row.status)
    if row.said is None:
        problems += nsboot.differs("said", lines, [])
    elif not lines or row.said not in lines[-1]:
        problems.append(f"{row.said!r} is not at the end of {said!r}")
    if status == good in (0, "init runs"):
        problems += nsboot.differs("mounts", nsboot.changed(done, after), sorted(row.moved))
        problems += nsboot.differs("initramfs", sorted(names ^ gone), sorted(row.odd))
    elif row.kind == "utility":
        problems += nsboot.differs("mounts", nsboot.changed(before, after), [])
        problems += nsboot.differs("initramfs", names, set())
    elif row.kind == "initramfs":
        problems += nsboot.differs("initramfs", sorted(names - {"sysroot"}), sorted(row.odd))
    return problems


def rows(table, parts):
    """The cases of the rows of a table, for nstap.main()."""
    return [(f"{' '.join(map(str, place))} fails", lambda r=row: fails(r, parts))
            for place, row in table.items() if isinstance(row, Fails)]


def cases(table, parts, *paths):
    """The same, and whether it has all places in the sources."""
    # Now: another user may not be let into the checkout.
    listed = unlisted(table, *paths)
    return [("every place is listed", lambda: listed), *rows(table, parts)]
