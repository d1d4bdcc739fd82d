#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""The bench: it reads the plugin's lines and images correctly, rejects a boot that did not do its
work, and finds that an /init with needless work exceeds its budget."""

import contextlib
import gzip
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import types

from rig import cells
from rig.bench import count, profile, table
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

BUILD = os.path.abspath(os.environ.get("BUILD", "build/x86_64"))
LINES = """hook unpack_to_rootfs kernel=1 user=0 do_syscall_64=0
hook unpack_to_rootfs kernel=100 user=0 do_syscall_64=0
hook free_initrd_mem kernel=400 user=0 do_syscall_64=0
hook FROM kernel=1000 user=10 do_syscall_64=5
hook FROM kernel=1400 user=10 do_syscall_64=6
hook MARK kernel=3000 user=30 do_syscall_64=25
hook MARK kernel=9000 user=90 do_syscall_64=95
"""
PROFILE = """trap exec kernel=50 user=0
trap exc_page_fault kernel=7 user=2
trap mount kernel=40 user=3
trap common_interrupt kernel=9 user=4
trap mount kernel=60 user=5
block ffffffff81000010 90
block ffffffff81000020 10
block 400002 11
block ffffffffc0000000 5
"""
TABLE = [(0xffffffff81000000, "one"), (0xffffffff81000020, "two"), (0xffffffff81000100, "end")]
# The /init of an image: executes needless instructions, two in each turn, and then our init, /real.
SPIN = """#include <unistd.h>
int main(int argc, char **argv, char **envp)
{
	long turns = %d;

	(void)argc;
	__asm__ volatile("1: dec %%0; jnz 1b" : "+r"(turns));
	execve("/real", argv, envp);
	return 1;
}
"""
NEEDLESS = 1000000
ROW = ("rootstock", "PARTUUID", "nvme")


def bench():
    """The program bench as a module."""
    loader = importlib.machinery.SourceFileLoader("bench", os.path.join(HERE, "bench"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


def pack(work, files):
    """The bytes of a newc archive with files {name: (mode, content)}."""
    for name, (mode, content) in files.items():
        path = os.path.join(work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as out:
            out.write(content)
        os.chmod(path, mode)
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=work, check=True,
                          input="\n".join(sorted({".", *files, *filter(None, map(
                              os.path.dirname, files))})).encode(), stdout=subprocess.PIPE).stdout


def counters():
    """The plugin's lines become figures and a profile."""
    tap.check(count.figures(LINES) == {"unpack": 300, "init": 2020, "calls": 20, "boot": 3030},
              "figures are from the second archive, the first init and the first mark",
              count.figures(LINES))
    without = "".join(line for line in LINES.splitlines(True) if "rootfs" not in line
                      and "initrd" not in line)
    tap.check(count.figures(without)["unpack"] == 0, "without an image, unpack is 0")
    for name, text in (("", ""), ("FROM", LINES.replace("FROM", "x")),
                       ("MARK", LINES.replace("MARK", "x"))):
        tap.check(tap.raises(RuntimeError, count.figures, text),
                  f"lines without {name or 'anything'} are an error")
    rows = profile.sequence(PROFILE)
    tap.check(rows == [["exec", 50, 1, 7, 2 + 3], ["mount", 40, 0, 9, 4 + 5],
                       ["mount", 60, 0, 0, 0]],
              "a profile counts faults and interrupts with the call before them", rows)
    found = profile.blocks(PROFILE, TABLE, [(0x400000, "main")])
    tap.check(found == ({"one": 90, "two": 10, "a module": 5}, {"main": 11}),
              "a profile has the instructions of each function", found)


def images(work):
    """The size and the number of files of an image."""
    plain = pack(work, {"a": (0o644, b"x"), "d/bc": (0o755, b"12345"), "d/e": (0o644, b"")})
    for name, data in (("plain", plain), ("gzip", gzip.compress(plain)),
                       ("lz4", table.piped(["lz4", "-lcq"], plain)),
                       ("xz", table.piped(["xz", "--check=crc32", "-cq"], plain))):
        path = os.path.join(work, "image")
        with open(path, "wb") as out:
            out.write(data)
        tap.check(table.weigh(path) == {"bytes": len(data), "files": 3},
                  "bytes and files of an image: " + name, table.weigh(path))
    tap.check(tap.raises(ValueError, table.files, plain[:200]), "an archive cut short is an error")
    tap.check(tap.raises(ValueError, table.files, b"what"), "a file of another kind is an error")
    tap.check(table.weigh(None) == {"bytes": 0, "files": 0}, "without an image both are 0")


def spinning(work, turns):
    """The path of an image whose /init executes needless instructions before our init."""
    binary = os.path.join(work, "spin")
    subprocess.run(["musl-gcc", "-Os", "-static", "-s", "-x", "c", "-", "-o", binary], check=True,
                   input=SPIN % turns, text=True)
    contents = []
    for path in (binary, os.path.join(BUILD, "rootstock-init")):
        with open(path, "rb") as source:
            contents.append(source.read())
    path = os.path.join(work, f"image-{turns}")
    with open(path, "wb") as out:
        out.write(pack(os.path.join(work, f"root-{turns}"),
                       {"init": (0o755, contents[0]), "real": (0o755, contents[1])}))
    return path


def table_status(program, row, result, work):
    """The exit status of a table with one row; RuntimeError if bench.md lacks that row."""
    program.ROWS, program.measure = (row,), lambda *_: result
    kernel = types.SimpleNamespace(release="6.1", machine={"qemu": "qemu-system-x86_64"})
    options = types.SimpleNamespace(build=work, peers=[], runs=1)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        status = program.run_table(kernel, options)
    with open(os.path.join(work, "bench.md"), encoding="utf-8") as source:
        if table.row(result) not in source.read().splitlines():
            raise RuntimeError("there is no row in bench.md")
    return status


def budgets(work):
    """A program within its budget exceeds it with needless work."""
    program = bench()
    machine = cells.machine(os.path.join(HERE, "machines/x86-direct.ini"))
    if cells.missing(machine):
        tap.skip("budgets", cells.missing(machine))
        return
    rig = program.Bench(BUILD)
    found = []
    for turns in (1, NEEDLESS // 2):
        path = spinning(work, turns)
        rig.initramfs = lambda row, path=path: path
        found.append(program.measure(rig, ROW + (None,), 1))
    text = rig.boot(ROW + (None,), path, profiled=True)
    calls = profile.sequence(text)
    total = sum(row[1] + row[3] + row[4] for row in calls)
    tap.check(abs(total - found[1]["init"]) < 0.1 * total and
              {"exec", "mount", "execve"} <= {row[0] for row in calls},
              "a profile's calls have all instructions", (total, found[1]["init"], calls))
    kernel, user = profile.blocks(text, rig.symbols, [(0, "program")])
    tap.check(abs(sum(kernel.values()) + sum(user.values()) - total) < 0.01 * total,
              "a profile's functions have all instructions",
              (sum(kernel.values()), sum(user.values()), total))
    more = found[1]["init"] - found[0]["init"]
    tap.check(0.7 * NEEDLESS < more < 1.3 * NEEDLESS,
              f"{NEEDLESS} needless instructions are counted", more)
    row = ROW + (found[0]["init"],)
    tap.check(program.over(row, found[0]) == "", "a row within its budget is not reported")
    told = program.over(row, found[1])
    tap.check("rootstock/PARTUUID" in told and str(found[0]["init"]) in told,
              "a row with needless instructions exceeds its budget", told)
    for result, status in zip(found, (0, 1)):
        tap.check(table_status(program, row, result, work) == status,
                  f"the exit status if a budget is {'exceeded' if status else 'kept'}")
    count.run = lambda words: "mark: pid=1 usr=rw var=rw booted=yes\n"
    told = tap.raises(RuntimeError, rig.boot, row, None)
    tap.check(told and "usr=ro" in told, "a boot that did not do its work is an error", told)


def main():
    """Runs all parts."""
    with tempfile.TemporaryDirectory() as work:
        counters()
        images(work)
        budgets(work)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
