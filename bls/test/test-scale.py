#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""For 512 entries, the limit, a generator needs instructions in proportion to their number, at most
4 MiB of memory, and no other process. Time is not measured."""
import functools
import os
import re
import shutil
import subprocess
import sys

from testlib import tap

PROGRAMS = {"ostree-grub-generator": "grub.cfg", "ostree-uboot-generator": "uEnv.txt"}
MOST = 512
MEMORY = 4 << 20

# An entry as libostree writes it; {i} is its number, {same} a text that may be in all titles.
ENTRY = """\
title Debian GNU/Linux 12 (bookworm) {same}
version {i}
options root=UUID=6d3376e4-fc93-4509-95ec-a21d68011da2 rw quiet console=tty0 panic=10 \
ostree=/ostree/boot.1/debian/{i:064x}/0
linux /ostree/debian-{i:064x}/vmlinuz-6.1.0-amd64
initrd /ostree/debian-{i:064x}/initramfs-6.1.0-amd64.img
"""


def make(where, program, count, own_titles):
    """Makes a sysroot with that many entries; returns the file to write."""
    loader = f"{where}/{count}/boot/loader.1"
    for i in range(1, count + 1):
        tap.write(f"{loader}/entries/ostree-{i}.conf",
                  ENTRY.format(i=i, same=i if own_titles else "").encode())
    os.symlink("loader.1", loader.removesuffix(".1"))
    return f"{loader}/{PROGRAMS[program]}"


def run(program, out, *tool):
    """Runs the program under a tool; returns the exit status and the messages of both."""
    if not shutil.which(tool[0]):
        raise tap.Skip(f"{tool[0]} is not installed")
    done = subprocess.run([*tool, f"{tap.BUILD}/{program}", "-o", out], check=False,
                          capture_output=True, text=True)
    return done.returncode, done.stderr


def succeed(program, out, *tool):
    status, said = run(program, out, *tool)
    assert status == 0, (status, said)
    with open(out, encoding="utf-8") as file:
        # The oldest entry is the last one in the menu.
        assert f"{1:064x}/vmlinuz" in file.read()
    return said


def instructions(program, out):
    said = succeed(program, out, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    return int(re.search(r"Collected : (\d+)", said)[1])


def linear(where, program, own_titles):
    half, whole = (instructions(program, make(where, program, count, own_titles))
                   for count in (MOST // 2, MOST))
    print(f"# {program}: {whole} instructions for {MOST} entries, {whole / half:.2f} times as many"
          " as for half of them")
    assert 1.7 < whole / half < 2.3


def check_instructions(where, make_it):
    """(instructions, number of errors) of "rootstock-bls check" on the sysroot of make_it."""
    root = make_it(where)
    if not shutil.which("valgrind"):
        raise tap.Skip("valgrind is not installed")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                           f"{tap.BUILD}/rootstock-bls", "check", "--root", root], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 1, done
    return int(re.search(r"Collected : (\d+)", done.stderr)[1]), done.stdout.count("error: ")


def check_entries(where, count):
    return os.path.dirname(os.path.dirname(os.path.dirname(
        make(where, "ostree-grub-generator", count, True))))


def check_lines(where, lines):
    """A sysroot of ten entries, each of which names that many missing files."""
    for i in range(10):
        tap.write(f"{where}/{lines}/boot/loader.1/entries/ostree-{i}.conf", b"linux /k\n" +
                  b"".join(b"initrd /%d\n" % n for n in range(lines)))
    os.symlink("loader.1", f"{where}/{lines}/boot/loader")
    return f"{where}/{lines}"


def check_linear(where, make_it, half):
    (less, found), (more, found_more) = (
        check_instructions(where, functools.partial(make_it, **{name: value}))
        for name, value in (*half.items(), *((name, 2 * value) for name, value in half.items())))
    print(f"# {more} instructions for {found_more} errors, {more / less:.2f} times as many as for "
          f"{found}")
    assert found_more > 1.9 * found and 1.7 < more / less < 2.3


def memory(where, program):
    """The program works with an address space of MEMORY bytes, but not with an eighth of it."""
    out = make(where, program, MOST, False)
    succeed(program, out, "prlimit", f"--as={MEMORY}")
    status, said = run(program, out, "prlimit", f"--as={MEMORY // 8}")
    assert status == 1 and "emory" in said, "the limit has no effect: " + said


def processes(where, program):
    out = make(where, program, MOST, False)
    trace = where + "/trace"
    succeed(program, out, "strace", "-f", "-qq", "-o", trace, "-e", "trace=%process")
    with open(trace, encoding="utf-8") as file:
        calls = re.findall(r"^\d+ +(clone\d*|v?fork|execve(?:at)?)\(", file.read(), re.MULTILINE)
    assert calls == ["execve"], calls


TESTS = []
for name in PROGRAMS:
    TESTS += [
        (f"{name}: instructions", functools.partial(linear, program=name, own_titles=True)),
        (f"{name}: instructions, equal titles",
         functools.partial(linear, program=name, own_titles=False)),
        (f"{name}: memory", functools.partial(memory, program=name)),
        (f"{name}: processes", functools.partial(processes, program=name))]
for make_each, half_of in ((check_entries, {"count": MOST // 2}), (check_lines, {"lines": 2500})):
    TESTS.append((f"rootstock-bls: {make_each.__name__.replace('_', ' ')}", functools.partial(
        check_linear, make_it=make_each, half=half_of)))
sys.exit(tap.main(TESTS))
