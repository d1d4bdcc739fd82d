# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our program in a world of the namespace ring: the steps that these tests have in common."""

import contextlib
import os
import re
import stat
import subprocess

from testlib import nstable
from testlib import nstap
from testlib import nstree
from testlib import tap
from testlib.nsrun import World
from testlib.nssys import mount, write_file

KINDS = ("pid1", "utility")
# The mounts when the kernel starts init= (and /proc, for the faked command line), and those of an
# initramfs.
MOUNTS = {"pid1": ("proc", "dev"), "utility": ("proc", "dev", "run"),
          "initramfs": ("proc", "dev", "run")}
PHYSICAL = {"pid1": "/", "utility": "/sysroot"}  # where the physical root is at the start
PROGRAM = "/program"  # the path of our program in the initramfs
# rootstock-init's root file system is a mount in the initramfs, which it binds to /sysroot.
ROOT = "/phys"
BIND = f"root={ROOT} rootfstype=none rootflags=bind"
# Text that differs between runs, or between root and an ordinary user in a user namespace.
SHORTEN = ((rf"ostree/deploy/{nstree.STATEROOT}/deploy/[0-9a-f]{{64}}\.0", "DEPLOYMENT"),
           (r",[ug]id=\d+", ""))


def world(kind, parts, *changes, build=nstree.make, cmdline=nstree.CMDLINE, **options):
    """A World with a physical root, the program and the real init (parts)."""
    prepare_root, init = parts
    if kind == "initramfs":
        return World("pid1", lambda top: _initramfs(top, build, init, changes), cmdline, **{
            "mounts": MOUNTS[kind], **options})
    programs = ((nstree.PREPARE_ROOT, prepare_root), ("usr/sbin/init", init))
    files = list(options.pop("files", ()))
    if kind == "utility":
        files.append((PROGRAM, prepare_root, 0o755))
    return World(kind, lambda top: build(top, programs, *changes), cmdline, files=files,
                 **{"mounts": MOUNTS[kind], **options})


def _initramfs(top, build, init, changes):
    """Make an initramfs in the directory top, with the physical root in it."""
    for name in ("dev", "proc", "sys", "run", ROOT[1:], "folder/deep"):
        os.makedirs(f"{top}/{name}")
    write_file(f"{top}/folder/file", "")
    mount("phys", top + ROOT, "tmpfs", 0, "mode=0755")
    build(top + ROOT, [("usr/sbin/init", init)], *changes)


def table(a_world):
    """The world's mount table, in a form that can be compared between runs."""
    return nstable.table(a_world.mountinfo(), SHORTEN)


def prepared():
    """For inside() an initramfs: True if /sysroot is a deployment."""
    return os.path.islink("/sysroot/ostree") and os.path.isdir("/sysroot/sysroot/ostree")


def program_path(a_world):
    """The path by which the kernel starts the program: libostree's init= has the bootlink in it."""
    words = dict(word.partition("=")[::2] for word in a_world.cmdline.split())
    return words["ostree"].strip('"') + "/" + nstree.PREPARE_ROOT


@contextlib.contextmanager
def booted(kind, parts, *changes, argv=(), env=None, **options):
    """(World, report of the real init) while the real init runs; raises if it does not start."""
    with world(kind, parts, *changes, **options) as a_world:
        first = "/sbin/init"
        if kind == "utility":
            status, _, said = a_world.run([PROGRAM, "/sysroot"])
            if status:
                raise RuntimeError(f"exit {status}: {said}")
        else:
            first = program_path(a_world)
        report = a_world.go([first, *argv], env)
        if report is None:
            raise RuntimeError(f"no init, exit {a_world.exit_status()}: {a_world.text()}")
        yield a_world, report


def listing(top="/"):
    """{path: attributes} of everything on the file system of top, without other mounts. They
    include modification times, so a directory shows that a file was made and removed again."""
    found = {}
    device = os.lstat(top).st_dev
    todo = [top]
    while todo:
        path = todo.pop()
        st = os.lstat(path)
        if st.st_dev != device:
            continue
        found[os.path.relpath(path, top)] = (
            f"{stat.filemode(st.st_mode)} {st.st_uid}:{st.st_gid} {st.st_size} {st.st_mtime_ns} "
            + (os.readlink(path) if stat.S_ISLNK(st.st_mode) else ""))
        if stat.S_ISDIR(st.st_mode):
            todo += [os.path.join(path, name) for name in os.listdir(path)]
    return found


def changed(before, after):
    """The names for which two dicts (listings, tables) differ."""
    return sorted(name for name in before.keys() | after.keys()
                  if before.get(name) != after.get(name))


def differs(what, got, wanted):
    """A list with a problem if got is not wanted, otherwise an empty one."""
    return [] if got == wanted else [f"{what}: {got!r} and not {wanted!r}"]


def sentence_problems(said, pattern):
    """The problems with the standard error of a failure, which must be one line that matches."""
    lines = said.splitlines()
    problems = [] if len(lines) == 1 else [f"{len(lines)} lines: {said!r}"]
    return problems + [f"{pattern!r} is not in {line!r}" for line in lines[-1:]
                       if not re.search(pattern, line)]


@contextlib.contextmanager
def strace(pid, log, *options):
    """Attach strace to a waiting process."""
    with subprocess.Popen(["strace", "-s", "500", "-o", log, *options, "-p", str(pid)],
                          stderr=subprocess.PIPE, text=True) as tracer:
        first = tracer.stderr.readline()
        if "attached" not in first:
            raise tap.Skip(f"strace cannot attach: {first.strip()}")
        yield
        tracer.stderr.read()
