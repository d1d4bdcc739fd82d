# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes system calls fail with strace in real boots. The tables must have a row for every call in a
source that can fail."""

import collections
import contextlib
import glob
import os
import re
import tempfile

from testlib import nsboot

TOP = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))

# A call that fails in a boot, and the result. syscalls and args find the call in a boot without
# the fault, and which is its index among those that match. status is "init runs", or the exit
# status of the program. said is a part of the last line of standard error, or None for no output.
# options and changes are passed to nsboot.world(), except shell, the program that is the shell of
# the initramfs, and strace, options that make other calls fail as well. If the boot continues as
# without the fault, its mounts must be the same except those in moved, and so must the removed
# files of the initramfs, except those in odd. If it ends, no files may be gone except those in odd.
Fails = collections.namedtuple(
    "Fails", "kind syscalls args status said options changes which moved odd",
    defaults=({}, (), 0, (), ()))
# Another test makes the call fail: the file that has this text.
Elsewhere = collections.namedtuple("Elsewhere", "file text")
# No test makes the call fail.
Untried = collections.namedtuple("Untried", "why")

# Functions that make no system call that can fail, and allocate no memory.
NO_CALLS = {"before_init", "defined", "sizeof", "if", "while", "for", "switch", "return", "dirfd",
            "free", "getpid", "memchr", "memcpy", "strchr", "strcmp", "strcpy", "strcspn", "strerror",
            "strlen", "strncmp", "_exit"}
# Our own functions that make one system call for their caller.
STEPS = {"step_run", "step_try"}


def traced(kind, parts, changes, log, *options, **keywords):
    """(exit status or "init runs", stderr, mounts before, mounts after, names added to or removed
    from the initramfs) of one traced run."""
    more = keywords.pop("strace", ())
    with contextlib.ExitStack() as stack:
        files = [] if kind == "utility" else [(nsboot.PROGRAM, parts[0], 0o755)]
        if "shell" in keywords:
            files.append(("/bin/sh", keywords.pop("shell"), 0o755))
        world = stack.enter_context(nsboot.world(kind, parts, *changes, files=files, **keywords))
        table = nsboot.table(world)
        # Shows process 1's first root also after process 1 has changed its root.
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
    """[(system call, its number among the same calls of its process, its arguments)] of a trace,
    from the start of the program."""
    found, count = None, collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as f:
        for line in f:
            # A call that does not return, such as reboot, has no result.
            match = (re.match(r"(\d+ +)?(\w+)\((.*)\) += ", line) or
                     re.match(r"(\d+ +)?(\w+)\((.*?)(?: <unfinished|\)?$)", line))
            if match:
                count[match[1], match[2]] += 1
                if found is not None:
                    found.append((match[2], count[match[1], match[2]], match[3]))
                elif match[2] == "execve":
                    found = []
    return found or []


# --- every call in a source ---


def source(path):
    """The text of a source without its comments and strings."""
    with open(f"{TOP}/{path}", encoding="utf-8") as f:
        return re.sub(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"', "", f.read(), flags=re.S)


def ours(path):
    """The names of our own functions that a source may call, from the headers."""
    return {name for folder in ("prepare-root", os.path.dirname(path))
            for header in glob.glob(f"{TOP}/{folder}/*.h")
            for name in re.findall(r"\b(\w+)\(", source(os.path.relpath(header, TOP)))}


def sites(path):
    """{(file, function, call, number)} of the calls in a source that can fail: calls of a library,
    and of STEPS. A static function that contains such calls and is used more than once counts at
    each use, because its callers may treat a failure differently; if it contains only one such
    call, that one is left out."""
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
    """The differences between sources and a table, and rows that name a text that the other test
    does not have."""
    found = set().union(*map(sites, paths))
    problems = [f"no row for {site}" for site in sorted(found - table.keys())]
    problems += [f"no such place: {site}" for site in sorted(table.keys() - found)]
    for row in table.values():
        if isinstance(row, Elsewhere):
            with open(f"{TOP}/{row.file}", encoding="utf-8") as f:
                # A row that names its own file must not find itself.
                others = re.sub(r"Elsewhere\([^)]*\)", "", f.read())
            problems += [] if row.text in others else [f"not in {row.file}: {row.text}"]
    return problems


def fails(row, parts):
    """Makes one call fail; returns how the result differs from the row."""
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
    """The same, and a case that the table has all calls of the sources."""
    # Compared here, because as another user the case might not be able to read the sources.
    listed = unlisted(table, *paths)
    return [("every call that can fail is listed", lambda: listed), *rows(table, parts)]
