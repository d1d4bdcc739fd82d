#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program from outside: its command line, where it looks, what it refuses, and goldens.

REGOLD=1 in the environment writes the goldens anew; look at the difference before you believe it.
"""
import functools
import os
import re
import subprocess
import sys

import sysroot
import tap
from hostile import GOOD, entry
from sysroot import check_says, generate, make, parse, read, write

GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "golden")
BAD = entry(rb"x=\y")


def kernels(cfg):
    return [words[0] for _, _, words, _ in parse(cfg)]


def fails(arguments, *says, status=1, **environment):
    found = generate(*arguments, **environment)
    assert found[0] == status, found
    assert found[1] == b"", found
    check_says(found[2], says)


def golden(name, where):
    directory = f"{GOLDEN}/{name}"
    status, cfg, said = generate("-o", "-", "--entries", directory, "--boot-prefix", "/boot")
    assert status == 0 and not said, said
    sysroot.script_check(cfg)
    if os.environ.get("REGOLD"):
        write(directory + "/grub.cfg", cfg)
    assert cfg == read(directory + "/grub.cfg"), "differs from " + directory + "/grub.cfg"


def help_and_version(where):
    status, printed, said = generate("--help")
    assert status == 0 and printed.startswith(b"usage: ostree-grub-generator ") and not said
    for option in (b"-o", b"--root", b"--entries", b"--boot-prefix", b"--help", b"--version"):
        assert option in printed, option
    status, printed, said = generate("--version")
    assert status == 0 and re.fullmatch(rb"ostree-grub-generator \d+\.\d+\.\d+\n", printed), printed


def usage_errors(where):
    for arguments, why in (
            ((), "-o FILE is missing; try --help"),
            (("-o",), "not understood: -o; try --help"),
            (("-o", ""), "-o needs the name of a file"),
            (("-o", "x", "--root", ""), "--root needs the name of a directory"),
            (("-o", "x", "--frob"), "not understood: --frob"),
            (("-o", "x", "--root"), "not understood: --root"),
            (("-o", "x", "more"), "not understood: more"),
            (("-o", "x", "more", "--frob"), "not understood: more"),
            (("-o", "x", "--boot-prefix", "boot"), "--boot-prefix is auto, none or a path")):
        fails(arguments, re.escape(why), status=2)
    assert not os.path.exists("x")


def messages_are_printable(where):
    fails(["-o", where + "/\x1b[2J\n\xe4/x"], r"/\?\[2J\?\?\?/ cannot be opened: No such file")


def standard_output(where):
    out = make(where, {"ostree-1.conf": GOOD})
    assert generate("-o", out)[0] == 0
    status, cfg, said = generate("-o", "-", "--entries", where + "/boot/loader/entries",
                                 "--root", where)
    assert (status, cfg, said) == (0, read(out), [])
    fails(["-o", "-"], "nothing stands beside standard output: use --entries")
    fails(["-o", "-", "--entries", where + "/boot/loader/entries"],
          "- has no /boot/ in it .* use --root")
    fails(["-o", "-", "--root", where], "nothing stands beside standard output: use --entries")
    with open("/dev/full", "wb") as full:
        done = subprocess.run([tap.PROGRAM, "-o", "-", "--entries", where + "/boot/loader/entries",
                               "--root", where], stdout=full, stderr=subprocess.PIPE, check=False,
                              env=sysroot.clean_environment())
    assert done.returncode == 1 and b"No space left on device" in done.stderr, done


def root_from_output(where):
    # A directory called boot on the way to the sysroot must not be mistaken for its own.
    root = where + "/boot/of/boot"
    out = make(root, {"ostree-1.conf": GOOD})
    assert generate("-o", out) == (0, b"", [])
    assert kernels(read(out)) == ["/boot/k"]
    assert generate("-o", "boot/loader/grub.cfg", cwd=root) == (0, b"", [])
    assert generate("-o", "./boot/loader/other.cfg", cwd=root) == (0, b"", [])
    fails_in = generate("-o", "grub.cfg", cwd=root + "/boot/loader")
    assert fails_in[0] == 1
    check_says(fails_in[2], ["grub.cfg has no /boot/ in it"])
    os.unlink(out)
    assert generate("-o", "grub.cfg", "--root", root, cwd=root + "/boot/loader")[0] == 0
    assert kernels(read(out)) == ["/boot/k"]


def prefixes(where):
    out = make(where, {"ostree-1.conf": GOOD})

    def prefix(*more, **environment):
        status, _, said = generate("-o", out, *more, **environment)
        assert status == 0, said
        return kernels(read(out))[0]
    assert prefix() == "/boot/k"
    assert prefix("--boot-prefix", "auto") == "/boot/k"
    assert prefix("--boot-prefix", "none") == "/k"
    assert prefix("--boot-prefix", "/") == "/k"
    assert prefix("--boot-prefix", "/@/boot/") == "/@/boot/k"
    assert prefix(OSTREE_BOOT_PARTITION="/x") == "/x/k"
    assert prefix(OSTREE_BOOT_PARTITION="") == "/k"
    assert prefix("--boot-prefix", "none", OSTREE_BOOT_PARTITION="/x") == "/k"
    fails(["-o", out], "OSTREE_BOOT_PARTITION is not a path", OSTREE_BOOT_PARTITION="boot")
    fails(["-o", out, "--boot-prefix", "/a)"], 'GRUB cannot use a path with', "no menu")
    fails(["-o", out, "--root", "/nonexistent"],
          "the sysroot /nonexistent/ cannot be opened: No such file")
    # A FAT /boot: loader is a directory.
    os.rename(where + "/boot/loader.1", where + "/boot/real")
    os.unlink(where + "/boot/loader")
    out = where + "/boot/real/grub.cfg"
    fails(["-o", out], "boot/loader is neither a symlink nor a directory")
    os.rename(where + "/boot/real", where + "/boot/loader")
    out = where + "/boot/loader/grub.cfg"
    assert prefix() == "/k"


def hook(where):
    # On EFI the output does not stand beside the entries, and no other entries count.
    make(where, {"ostree-1.conf": entry(b"new", b"new")})
    write(where + "/boot/loader.0/entries/ostree-1.conf", entry(b"old", b"old"))
    write(where + "/boot/efi/EFI/debian/entries/x.conf", entry(b"no", b"no"))
    out = where + "/boot/efi/EFI/debian/grub.cfg.new"
    for version, title in (("0", "old"), ("1", "new")):
        assert generate("-o", out, _OSTREE_GRUB2_BOOTVERSION=version) == (0, b"", [])
        assert [title for title, *_ in parse(read(out))] == [title]
    assert generate("-o", out)[0] == 0
    assert [title for title, *_ in parse(read(out))] == ["no"]
    for version in ("2", "", "00", "1/../loader.0"):
        fails(["-o", out], "_OSTREE_GRUB2_BOOTVERSION is neither 0 nor 1",
              _OSTREE_GRUB2_BOOTVERSION=version)
    os.rename(where + "/boot/loader.0", where + "/boot/gone")
    fails(["-o", out], "directory of entries .*/boot/loader.0/entries cannot be opened: No such",
          _OSTREE_GRUB2_BOOTVERSION="0")


def hook_of_first_deployment(where):
    make(where, {"ostree-1.conf": GOOD})
    os.unlink(where + "/boot/loader")
    out = where + "/boot/loader.1/grub.cfg"
    assert generate("-o", out, _OSTREE_GRUB2_BOOTVERSION="1")[0] == 0
    assert kernels(read(out)) == ["/boot/k"]


def hook_with_unusable_entries(where):
    out = make(where, {"ostree-2.conf": BAD, "ostree-1.conf": GOOD})
    refusal = r"ostree-2\.conf:4: GRUB cannot pass on a backslash; this entry is left out"
    write(out, b"old")
    fails(["-o", out], refusal, r"ostree-2\.conf is the entry to be booted next",
          _OSTREE_GRUB2_BOOTVERSION="1")
    assert read(out) == b"old"
    # By hand the others are better than nothing.
    status, _, said = generate("-o", out)
    assert status == 0 and len(parse(read(out))) == 1
    check_says(said, [refusal])
    # In the hook too, when the default is among the others.
    write(where + "/boot/loader.1/entries/ostree-3.conf", GOOD)
    status, _, said = generate("-o", out, _OSTREE_GRUB2_BOOTVERSION="1")
    assert status == 0 and len(parse(read(out))) == 2
    check_says(said, [refusal])
    # An entry that cannot even be read would have come first by its name.
    os.symlink("ostree-3.conf", where + "/boot/loader.1/entries/ostree-10.conf")
    fails(["-o", out], "ostree-10.conf: it is not a regular file", refusal,
          "ostree-10.conf is the entry to be booted next", _OSTREE_GRUB2_BOOTVERSION="1")
    # What is not for GRUB at all is no such entry.
    os.unlink(where + "/boot/loader.1/entries/ostree-10.conf")
    write(where + "/boot/loader.1/entries/zz.conf", b"efi /x.efi\n")
    assert generate("-o", out, _OSTREE_GRUB2_BOOTVERSION="1")[0] == 0
    os.unlink(where + "/boot/loader.1/entries/ostree-3.conf")
    fails(["-o", out], refusal, "ostree-2.conf is the entry to be booted next",
          _OSTREE_GRUB2_BOOTVERSION="1")


def outputs_that_are_refused(where):
    out = make(where, {"ostree-1.conf": GOOD})
    os.mkdir(where + "/boot/loader/dir")
    os.symlink("grub.cfg", where + "/boot/loader/link")
    for name, why in (("dir", "/dir cannot be written: it is there, and not a regular"),
                      ("link", "/link cannot be written: it is there, and not a regular file"),
                      ("dir/", "dir/ is a directory: -o needs"), ("..", r"\.\. is a directory: -o"),
                      ("no/grub.cfg", "the directory of the output .*/loader/no/ cannot be opened"),
                      ("entries/x/grub.cfg", "cannot be opened: No such file")):
        fails(["-o", f"{where}/boot/loader/{name}"], why)
    assert os.path.islink(where + "/boot/loader/link") and not os.path.exists(out)
    fails(["-o", "/dev/null", "--entries", where + "/boot/loader/entries", "--root", where],
          "/dev/null cannot be written: it is there, and not a regular file")
    assert not os.path.isfile("/dev/null")
    fails(["-o", out, "--entries", out],
          "directory of entries .*grub.cfg cannot be opened: No such file")


def many_entries(where):
    entries = {f"ostree-{n}.conf": entry(b"n=%d" % n, b"%d" % n, b"version %d\n" % n)
               for n in range(1, 513)}
    out = make(where, entries)
    assert generate("-o", out) == (0, b"", [])
    assert [title for title, *_ in parse(read(out))] == [str(n) for n in range(512, 0, -1)]
    write(where + "/boot/loader/entries/ostree-513.conf", GOOD)
    fails(["-o", out], "entries cannot be read: there are more than 512 entries")


def little_memory(where):
    """However little there is: the whole menu, or a sentence and the old file."""
    out = make(where, {f"ostree-{n}.conf": entry(b"a", b"%d" % n * 30000) for n in range(10, 60)})
    assert generate("-o", out)[0] == 0
    whole, outcomes, not_started, started = read(out), set(), [0], []
    for limit in range(200, 16000, 200):
        write(out, b"old")
        done = subprocess.run(["prlimit", f"--as={limit * 1024}", tap.PROGRAM, "-o", out],
                              capture_output=True, check=False, env=sysroot.clean_environment())
        said = done.stderr.decode()
        if done.returncode == 0:
            assert read(out) == whole and not said
            outcomes.add("whole")
        elif said.startswith("ostree-grub-generator: "):
            assert done.returncode == 1 and read(out) == b"old", done
            assert "Cannot allocate memory" in said or "Out of memory" in said \
                or "there is not enough memory for the menu" in said, said
            outcomes.add(said.rsplit(": ", 1)[1].strip())
            started.append(limit)
        else:
            assert done.returncode != 1 and read(out) == b"old", done
            not_started.append(limit)
    # Where it started once it must not die of something else with more memory than that.
    assert max(not_started) < min(started), (not_started, started)
    assert "whole" in outcomes and "there is not enough memory for the menu" in outcomes, outcomes
    # Not only the menu's memory ran out, but with less of it also that for reading the entries.
    assert outcomes & {"Out of memory", "Cannot allocate memory"}, outcomes


def stable_ids(where):
    target = b"ostree=/ostree/boot.%d/debian/c0ffee/0"
    entries = {"ostree-2.conf": entry(target % 1, more=b"version 2\n"),
               "ostree-1.conf": entry(b'"' + target % 0 + b'"'),
               "ostree-3-x.conf": entry(b"ostree=/ostree/boot.1.1/x/y/12", more=b"version 3\n"),
               "ostree-4.conf": entry(b"ostree=/ostree/root.a", more=b"version 4\n"),
               "ostree-5.conf": entry(b"ostree=/ostree/boot.1x/a/b/0", more=b"version 5\n"),
               "ostree-6.conf": entry(b"ostree=/ostree/boot.1/a/b", more=b"version 6\n"),
               "ostree-7.conf": entry(b"ostree=/ostree/boot.1/a/b/0/c", more=b"version 7\n"),
               "12.conf": GOOD, "6.1+3-0.conf": GOOD,
               "debian.conf": entry(target % 1)}
    out = make(where, entries)
    assert generate("-o", out)[0] == 0
    assert [ident for _, ident, *_ in parse(read(out))] == [
        "entry-12", "6.1", "ostree-7", "ostree-6", "ostree-5", "ostree-4", "ostree-x-y-12",
        "ostree-debian-c0ffee-0", "ostree-debian-c0ffee-0", "debian"]


def no_child_process(where):
    out = make(where, {f"ostree-{n}.conf": GOOD for n in range(100)})
    trace = where + "/trace"
    done = subprocess.run(["strace", "-f", "-qq", "-o", trace, "-e", "trace=process", tap.PROGRAM,
                           "-o", out], check=False, env=sysroot.clean_environment())
    assert done.returncode == 0
    calls = [line.split()[1].split("(")[0] for line in read(trace).decode().splitlines()]
    assert set(calls) <= {"execve", "exit_group"} and calls.count("execve") == 1, calls


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


def hook_messages(where, log):
    out = make(where, {"ostree-1.conf": b""})
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        raise tap.Skip("no user namespaces here")
    command = ["unshare", "-rm", sys.executable, "-c", LISTEN, log, tap.PROGRAM, "-o", out]
    done = subprocess.run(command, capture_output=True, check=False,
                          env=sysroot.clean_environment(_OSTREE_GRUB2_BOOTVERSION="1"))
    expected = f"<27>ostree-grub-generator: {out[:-8]}entries/ostree-1.conf: there is no linux line"
    assert done.stdout.startswith(expected.encode()), done
    # By hand there is a terminal, and the system's log is left alone.
    done = subprocess.run(command, capture_output=True, check=False,
                          env=sysroot.clean_environment())
    assert done.stdout == b"", done


TESTS = [(f"golden {name}", functools.partial(golden, name)) for name in sorted(os.listdir(GOLDEN))]
TESTS += [(test.__name__.replace("_", " "), test) for test in (
    help_and_version, usage_errors, messages_are_printable, standard_output, root_from_output,
    prefixes, hook, hook_of_first_deployment, hook_with_unusable_entries, outputs_that_are_refused,
    many_entries, little_memory, stable_ids, no_child_process)]
TESTS += [(f"hook messages go to {log}", functools.partial(hook_messages, log=log))
          for log in ("syslog", "kmsg")]
sys.exit(tap.main(TESTS))
