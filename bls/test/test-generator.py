#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the generators have in common: the command line, the files that they read, the outputs that
they refuse, and their messages."""
import ctypes
import functools
import os
import re
import socket
import stat
import struct
import subprocess
import sys

from testlib import tap
from testlib.generator import GRUB, UBOOT, clean_environment
from testlib.hostile import GOOD, entry
from testlib.tap import read, write

UMASK = os.umask(0)
os.umask(UMASK)
# An entry with a kernel's name that no loader can use.
BAD = b"title T\nversion 1\nlinux /k\"\n"


def help_and_version(program, where):
    status, printed, said = program.generate("--help")
    assert status == 0 and printed.startswith(b"usage: %s " % program.name.encode()) and not said
    for option in (b"-o", b"--root", b"--entries", b"--boot-prefix", b"--help", b"--version"):
        assert option in printed, option
    status, printed, said = program.generate("--version")
    assert status == 0 and re.fullmatch(rb"%s \d+\.\d+\.\d+\n" % program.name.encode(), printed)


def usage_errors(program, where):
    for arguments, why in (
            ((), "-o FILE is missing; try --help"),
            (("-o",), "option needs a value: -o; try --help"),
            (("-o", ""), "-o needs the name of a file"),
            (("-o", "x", "--root", ""), "--root needs the name of a directory"),
            (("-o", "x", "--frob"), "not understood: --frob; try --help"),
            (("-o", "x", "--boot-perfix=/b"),
             "not understood: --boot-perfix=/b (did you mean --boot-prefix?); try --help"),
            (("-o", "x", "--verison"), "not understood: --verison (did you mean --version?)"),
            (("-o", "x", "--root"), "option needs a value: --root"),
            (("-o", "x", "more"), "not understood: more"),
            (("-o", "x", "more", "--frob"), "not understood: more"),
            (("-o", "x", "--boot-prefix", "boot"), "--boot-prefix is auto, none or an absolute path")):
        program.fails(arguments, re.escape(why), status=2)
    assert not os.path.exists("x")


def messages_are_printable(program, where):
    program.fails(["-o", where + "/\x1b[2J\n\xe4/x"],
                  r"/\?\[2J\?\?\?/ cannot be opened.*No such file")


def standard_output(program, where):
    out = program.make(where, {"ostree-1.conf": GOOD})
    assert program.generate("-o", out)[0] == 0
    by_hand = ["-o", "-", "--entries", where + "/boot/loader/entries"]
    assert program.generate(*by_hand, "--root", where) == (0, read(out), [])
    program.fails(["-o", "-"], "standard output has no entries beside it: use --entries")
    program.fails(by_hand, "- has no /boot/ in it, .* use --root, or --boot-prefix")
    program.fails(["-o", "-", "--root", where], "standard output has no entries beside it: use")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program.program, *by_hand, "--root", where], stdout=full,
                              stderr=subprocess.PIPE, check=False, env=clean_environment())
    assert done.returncode == 1 and b"No space left on device" in done.stderr, done


def root_from_output(program, where):
    # A directory called boot above the sysroot must not be mistaken for the sysroot's.
    root = where + "/boot/of/boot"
    out = program.make(root, {"ostree-1.conf": GOOD})
    assert program.generate("-o", out) == (0, b"", [])
    assert program.kernels(read(out)) == ["/boot/k"]
    assert program.generate("-o", "boot/loader/" + program.out, cwd=root) == (0, b"", [])
    assert program.generate("-o", "./boot/loader/other", cwd=root) == (0, b"", [])
    status, _, said = program.generate("-o", program.out, cwd=root + "/boot/loader")
    assert status == 1
    program.check_says(said, [program.out + " has no /boot/ in it, .* --root, or --boot-prefix"])
    os.unlink(out)
    assert program.generate("-o", program.out, "--root", root, cwd=root + "/boot/loader")[0] == 0
    assert program.kernels(read(out)) == ["/boot/k"]


def prefixes(program, where):
    out = program.make(where, {"ostree-1.conf": GOOD})

    def prefix(*more, **environment):
        status, _, said = program.generate("-o", out, *more, **environment)
        assert status == 0, said
        return program.kernels(read(out))[0]
    assert prefix() == "/boot/k"
    assert prefix("--boot-prefix", "auto") == "/boot/k"
    assert prefix("--boot-prefix", "none") == "/k"
    assert prefix("--boot-prefix", "/") == "/k"
    assert prefix("--boot-prefix", "/@/boot/") == "/@/boot/k"
    assert prefix(OSTREE_BOOT_PARTITION="/x") == "/x/k"
    assert prefix(OSTREE_BOOT_PARTITION="") == "/k"
    assert prefix("--boot-prefix", "none", OSTREE_BOOT_PARTITION="/x") == "/k"
    program.fails(["-o", out], "OSTREE_BOOT_PARTITION is boot, not an absolute path",
                  OSTREE_BOOT_PARTITION="boot")
    for bad in "/x\nbootargs=y", "/x\r", "/\x1b[2J", "/\x7f":
        before = read(out)
        program.fails(["-o", out], "OSTREE_BOOT_PARTITION is .*, not an absolute path without",
                      OSTREE_BOOT_PARTITION=bad)
        program.fails(["-o", out, "--boot-prefix", bad], "--boot-prefix is .*without control",
                      status=2)
        assert read(out) == before
    program.fails(["-o", out, "--root", "/nonexistent"],
                  "the sysroot /nonexistent/ cannot be opened.*No such file")
    # libostree with sysroot.bootprefix writes /boot into the entry itself.
    write(where + "/boot/loader/entries/ostree-1.conf", b"linux /boot/k\n")
    assert prefix() == "/boot/k"
    assert prefix("--boot-prefix", "/boot/k") == "/boot/k/boot/k"
    write(where + "/boot/loader/entries/ostree-1.conf", GOOD)
    # A FAT /boot: loader is a directory.
    os.rename(where + "/boot/loader.1", where + "/boot/real")
    os.unlink(where + "/boot/loader")
    out = f"{where}/boot/real/{program.out}"
    program.fails(["-o", out], "boot/loader is neither a symlink nor a directory")
    os.rename(where + "/boot/real", where + "/boot/loader")
    out = f"{where}/boot/loader/{program.out}"
    assert prefix() == "/k"


def hook_of_first_deployment(program, where):
    """For the first deployment the hook works without boot/loader, which libostree makes later."""
    out = program.make(where, {"ostree-1.conf": GOOD})
    os.unlink(where + "/boot/loader")
    assert program.generate("-o", out, _OSTREE_GRUB2_BOOTVERSION="1")[0] == 0
    assert program.kernels(read(out)) == ["/boot/k"]


def mode_of_the_live_menu(program, where):
    """A menu in a new loader.N gets the mode of the live menu, which it replaces."""
    out = program.make(where, {"ostree-1.conf": GOOD})
    os.unlink(where + "/boot/loader")
    os.symlink("loader.0", where + "/boot/loader")
    write(f"{where}/boot/loader.0/{program.out}", b"old")
    os.chmod(f"{where}/boot/loader.0/{program.out}", 0o600)
    hook = where + "/boot/loader.1/grub.cfg"
    assert program.generate("-o", hook, _OSTREE_GRUB2_BOOTVERSION="1")[0] == 0
    assert os.stat(out).st_mode & 0o777 == 0o600
    assert os.stat(hook).st_mode & 0o777 == (0o600 if hook == out else 0o644 & ~UMASK)


def hook_with_wrong_version(program, where):
    out = program.make(where, {"ostree-1.conf": GOOD})
    for version in ("2", "", "00", "1/../loader.0"):
        program.fails(["-o", out], "_OSTREE_GRUB2_BOOTVERSION is neither 0 nor 1",
                      _OSTREE_GRUB2_BOOTVERSION=version)
    program.fails(["-o", out], r"/loader.0/entries cannot be opened \(No such.*\): use --entries",
                  _OSTREE_GRUB2_BOOTVERSION="0")


def hook_with_unusable_entries(program, where):
    out = program.make(where, {"ostree-2.conf": BAD, "ostree-1.conf": GOOD})
    entries = where + "/boot/loader.1/entries/"
    refusal = r"ostree-2\.conf:3: .* cannot .*; this entry is left out"
    first = r"ostree-%s\.conf is the entry to be booted next"
    in_hook = {"_OSTREE_GRUB2_BOOTVERSION": "1"}

    def succeeds(count, **environment):
        status, _, said = program.generate("-o", out, **environment)
        assert status == 0 and len(program.kernels(read(out))) == count, said
        program.check_says(said, [refusal])
    write(out, b"old")
    program.fails(["-o", out], refusal, first % 2, **in_hook)
    assert read(out) == b"old"
    # Called by hand, the generator writes a menu of the other entries.
    succeeds(1)
    # In the hook too, if the default entry is among the others.
    write(entries + "ostree-3.conf", GOOD)
    succeeds(2, **in_hook)
    # An entry that cannot be read, and would be the default by its name.
    os.symlink("ostree-3.conf", entries + "ostree-10.conf")
    program.fails(["-o", out], r"ostree-10\.conf: it is not a regular file", refusal, first % 10,
                  **in_hook)
    # An entry that is hidden from this loader does not count.
    os.unlink(entries + "ostree-10.conf")
    write(entries + "zz.conf", b"efi /x.efi\n")
    succeeds(2, **in_hook)
    os.unlink(entries + "ostree-3.conf")
    program.fails(["-o", out], refusal, first % 2, **in_hook)


def no_entries_at_all(program, where):
    """Without entries, as after "ostree admin undeploy" of the last deployment, the menu is
    complete but empty."""
    out = program.make(where, {"ostree-1.conf": GOOD})
    assert program.generate("-o", out)[0] == 0
    full, entries = read(out), where + "/boot/loader.1/entries"
    os.unlink(entries + "/ostree-1.conf")
    write(entries + "/readme", b"no entry")
    for environment in ({}, {"_OSTREE_GRUB2_BOOTVERSION": "1"}):
        write(out, full)
        status, _, said = program.generate("-o", out, **environment)
        assert status == 0
        program.check_says(said, ["/entries has no entry at all, so the menu is empty"])
        menu = read(out)
        assert b"/boot/k" not in menu and not program.kernels(menu)
        assert menu.splitlines()[0] == full.splitlines()[0]
        assert menu.splitlines()[-1] == full.splitlines()[-1]
    # If there are entries but none is usable, the generator fails.
    for name, content, says in (("zz.conf", BAD, 2), ("ostree-1.conf", b"", 2),
                                ("efi.conf", b"efi /x.efi\n", 1)):
        write(f"{entries}/{name}", content)
        write(out, full)
        for environment in ({}, {"_OSTREE_GRUB2_BOOTVERSION": "1"}):
            program.fails(["-o", out], *[""] * (says - 1), "no menu is written", **environment)
        assert read(out) == full
        os.unlink(f"{entries}/{name}")


def outputs_that_are_refused(program, where):
    out = program.make(where, {"ostree-1.conf": GOOD})
    loader = where + "/boot/loader"
    os.mkdir(loader + "/dir")
    os.symlink(program.out, loader + "/link")
    os.mkfifo(loader + "/fifo")
    for name, why in (("dir", "/dir cannot be written: it exists and is not a regular"),
                      ("link", "/link cannot be written: it exists and is not a regular file"),
                      ("fifo", "/fifo cannot be written: it exists and is not a regular file"),
                      ("dir/", "dir/ is a directory: -o needs"), ("..", r"\.\. is a directory: -o"),
                      ("no/file", "the directory of the output .*/loader/no/ cannot be opened"),
                      ("entries/x/file", "cannot be opened.*No such file")):
        program.fails(["-o", f"{loader}/{name}"], why)
    assert os.path.islink(loader + "/link") and not os.path.exists(out)
    assert not os.path.isfile(loader + "/fifo")
    program.fails(["-o", out, "--entries", out],
                  "directory of entries .* cannot be opened.*No such file")


def many_entries(program, where):
    entries = {f"ostree-{n}.conf": b"title %d\nversion %d\nlinux /k%d\n" % (n, n, n)
               for n in range(1, 513)}
    out = program.make(where, entries)
    assert program.generate("-o", out) == (0, b"", [])
    assert program.kernels(read(out)) == [f"/boot/k{n}" for n in range(512, 0, -1)]
    write(where + "/boot/loader/entries/ostree-513.conf", GOOD)
    program.fails(["-o", out], "entries cannot be read: there are more than 512 entries")


def little_memory(program, where):
    """With any amount of memory the menu is complete, or a message is printed and the old file
    stays."""
    out = program.make(where, {f"ostree-{n}.conf": entry(b"%d" % n * 660, b"%d" % n)
                               for n in range(100, 600)})
    assert program.generate("-o", out)[0] == 0
    whole, outcomes, not_started, started = read(out), set(), [0], []
    for limit in range(200, 16000, 200):
        write(out, b"old")
        done = subprocess.run(["prlimit", f"--as={limit * 1024}", program.program, "-o", out],
                              capture_output=True, check=False, env=clean_environment())
        said = done.stderr.decode()
        if done.returncode == 0:
            assert read(out) == whole and not said
            outcomes.add("whole")
        elif said.startswith(program.name + ": "):
            assert done.returncode == 1 and read(out) == b"old", done
            assert "Cannot allocate memory" in said or "Out of memory" in said \
                or "there is not enough memory for the menu" in said, said
            outcomes.add(said.rsplit(": ", 1)[1].strip())
            started.append(limit)
        else:
            assert done.returncode != 1 and read(out) == b"old", done
            not_started.append(limit)
    # Below the smallest limit with which it starts, and only there, it may end without a message.
    assert max(not_started) < min(started), (not_started, started)
    assert "whole" in outcomes and "there is not enough memory for the menu" in outcomes, outcomes
    # With less memory already reading the entries failed.
    assert outcomes & {"Out of memory", "Cannot allocate memory"}, outcomes


def messages_decide_nothing(program, where):
    """Menu and exit status do not depend on whether messages can be written."""
    out = program.make(where, {"ostree-1.conf": GOOD, "zz.conf": BAD, "a b.conf": GOOD})
    status, menu, said = program.generate("-o", "-", "--root", where, "--entries",
                                          where + "/boot/loader/entries")
    assert status == 0 and len(said) == 2, said

    def write_it(*redirections, command='"$@"'):
        for old in (None, b"old"):
            if old:
                write(out, old)
            elif os.path.exists(out):
                os.unlink(out)
            script = f'exec {" ".join(redirections)}; {command}'
            done = subprocess.run(["bash", "-c", script, "sh", program.program, "-o", out],
                                  check=False, capture_output=True, env=clean_environment())
            assert done.returncode == 0 and read(out) == menu, (redirections, done)
    gone = "2> >(:)"  # a pipe whose reader ends, during the sleep
    for redirections in ((gone, "; sleep 0.2"), ("2>/dev/full",), ("2>&-",), ("<&-", "2>&-"),
                         (">&-", "2>&-"), ("<&-", ">&-", "2>&-"), ("<&-", ">&-")):
        write_it(*redirections)
    write_it("2>/dev/full", command='ulimit -n 12; "$@"')


def standard_output_decides(program, where):
    program.make(where, {"ostree-1.conf": GOOD})
    by_hand = ["-o", "-", "--root", where, "--entries", where + "/boot/loader/entries"]
    for redirections, why in ((">&-", b"Bad file descriptor"), ("<&- >&-", b"Bad file descriptor"),
                              (">/dev/full", b"No space left"),
                              ("> >(:); sleep 0.2", b"Broken pipe")):
        done = subprocess.run(["bash", "-c", f'exec {redirections}; "$@"', "sh", program.program,
                               *by_hand], check=False, capture_output=True,
                              env=clean_environment())
        assert done.returncode == 1 and b"standard output cannot be written: " + why in \
            done.stderr, (redirections, done)


def no_file_may_grow(program, where):
    """ulimit -f gives an error, because SIGXFSZ is ignored, and the old file stays."""
    out = program.make(where, {"ostree-1.conf": GOOD})
    write(out, b"old")
    done = subprocess.run(["bash", "-c", 'ulimit -f 0; "$@"', "sh", program.program, "-o", out],
                          check=False, capture_output=True, env=clean_environment())
    assert done.returncode == 1 and b"cannot be written: File too large" in done.stderr, done
    assert read(out) == b"old"
    assert set(os.listdir(os.path.dirname(out))) == {"entries", program.out}


class Opened:
    """The names in some directories that are opened, according to inotify(7)."""
    IN_OPEN = 0x20

    def __init__(self, *directories):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.fd >= 0
        for directory in directories:
            assert self.libc.inotify_add_watch(self.fd, directory.encode(), self.IN_OPEN) >= 0

    def names(self):
        try:
            events = os.read(self.fd, 1 << 16)
        except BlockingIOError:
            return set()
        found, at = set(), 0
        while at < len(events):
            length = struct.unpack_from("iIII", events, at)[3]
            found.add(events[at + 16:at + 16 + length].rstrip(b"\0").decode())
            at += 16 + length
        return found


def only_files_are_opened(program, where):
    """FIFOs, a socket and a device in place of files are not opened."""
    out = program.make(where, {"ostree-1.conf": entry(b"ostree=/ostree/boot.1/x/0", more=b"")})
    entries, deployment = where + "/boot/loader.1/entries", where + "/ostree/deploy/d"
    settings, system = deployment + "/etc/rootstock", deployment + "/usr/lib/ostree-boot"
    os.makedirs(where + "/ostree/boot.1/x")
    os.symlink("../../../ostree/deploy/d", where + "/ostree/boot.1/x/0")
    for directory in (settings, system):
        os.makedirs(directory)
    conf = "grub.conf" if program is GRUB else "uboot.conf"
    odd = [entries + "/a-fifo.conf", settings + "/" + conf, system + "/uEnv.txt", where + "/boot/k"]
    for path in odd:
        os.mkfifo(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(entries + "/a-socket.conf")
    try:
        os.mknod(entries + "/a-null.conf", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        print("# no device can be made here")
    opened = Opened(entries, settings, system, where + "/boot")
    status, _, said = program.generate("-o", out)
    assert status == 1 and f"rootstock/{conf} of the deployment cannot be read: it is not a" \
        in said[-1], said
    os.unlink(settings + "/" + conf)
    status, _, said = program.generate("-o", out)
    assert status == (program is UBOOT), said
    if status:
        assert "uEnv.txt cannot be read: it is not a regular file" in said[-1], said
    names = opened.names()
    assert "ostree-1.conf" in names, "nothing was watched"
    assert not names & {*map(os.path.basename, odd), "a-socket.conf", "a-null.conf"}, names


LISTEN = r"""
import os, socket, subprocess, sys
sys.excepthook = lambda kind, value, _: kind is BlockingIOError or print(kind, value)
subprocess.run(["mount", "-t", "tmpfs", "none", "/dev"], check=True)
if sys.argv[1] == "syslog":
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
else:
    os.mkfifo("/dev/kmsg")
    log = os.open("/dev/kmsg", os.O_RDWR | os.O_NONBLOCK)
subprocess.run(sys.argv[2:], capture_output=True)
if sys.argv[1] == "syslog":
    log.setblocking(False)
    sys.stdout.buffer.write(log.recv(2000))
else:
    sys.stdout.buffer.write(os.read(log, 2000))
"""


def hook_messages(program, log, where):
    out = program.make(where, {"ostree-1.conf": b""})
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    command = ["unshare", "-rm", sys.executable, "-c", LISTEN, log, program.program, "-o", out]
    done = subprocess.run(command, capture_output=True, check=False,
                          env=clean_environment(_OSTREE_GRUB2_BOOTVERSION="1"))
    entries = f"{where}/boot/loader.1/entries"
    expected = f"<27>{program.name}: {entries}/ostree-1.conf: there is no linux line"
    assert done.stdout.startswith(expected.encode()), done
    # Called by hand, the generator does not write to the system's log.
    done = subprocess.run(command, capture_output=True, check=False,
                          env=clean_environment())
    assert done.stdout == b"", done


TESTS = [(f"{program.name}: {test.__name__.replace('_', ' ')}", functools.partial(test, program))
         for program in (GRUB, UBOOT) for test in (
             help_and_version, usage_errors, messages_are_printable, standard_output,
             root_from_output, prefixes, hook_of_first_deployment, mode_of_the_live_menu, hook_with_wrong_version,
             hook_with_unusable_entries, no_entries_at_all, outputs_that_are_refused, many_entries, little_memory,
             messages_decide_nothing, standard_output_decides, no_file_may_grow,
             only_files_are_opened)]
TESTS += [(f"{program.name}: messages go to {log}", functools.partial(hook_messages, program, log))
          for program in (GRUB, UBOOT) for log in ("syslog", "kmsg")]
sys.exit(tap.main(TESTS))
