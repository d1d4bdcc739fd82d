#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of the boot matrix: ini files, disks, and the watch over a machine. Here a shell script
plays QEMU, so that it can end in every way."""

import argparse
import concurrent.futures
import importlib.machinery
import importlib.util
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest.mock

from rig import cell, cells
from rig.disk import disk, filesystem, image, loaders
from rig.vm import machine, tryout
from rig.vm.hosts import Hosts
from testlib.slowness import limit
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

FAILING = "[scenario]\nabout = x\n[boot]\nend = %s\n[expect]\nconsole = %s\n"


def ini_files(work):
    """Scenarios, tiers and patterns are read, and wrong ones are errors."""
    path = tap.write_text(work, "a.ini", "[scenario]\nabout = x\n[boot]\nentries = 0 1\n[expect]\n"
                 "args =\n    --a b\n    c=d\n")
    found = cells.scenario(path)
    tap.check(found["boot"]["entries"] == [0, 1] and found["expect"]["args"] == ["--a b", "c=d"]
              and found["disk"]["kargs"] == "rw" and found["boot"]["end"] == "poweroff",
              "a scenario has its lists and the defaults", found)
    for name, word, text in (
            ("an unknown key", "consol", "[scenario]\nabout = x\n[expect]\nconsol = y\n"),
            ("an unknown section", "xpect", "[scenario]\nabout = x\n[xpect]\nconsole = y\n"),
            ("an empty unknown section", "xpect", "[scenario]\nabout = x\n[xpect]\n"),
            ("a missing key", "about", "[disk]\nkargs = ro\n"),
            ("a repeated key", "about", "[scenario]\nabout = x\nabout = y\n"),
            ("a line without a key", "a.ini", "[scenario]\nabout = x\nwhat\n"),
            ("an unknown end", "explode", FAILING % ("explode", "x")),
            ("an unknown partition", "home", "[scenario]\nabout = x\n[disk]\npartition = home\n"),
            ("an unknown userland", "fedora",
             "[scenario]\nabout = x\n[disk]\nuserland = fedora\n"),
            ("a failing boot without its sentence", "sentence", FAILING % ("halt", "")),
            ("an entry that is not a number", "two",
             "[scenario]\nabout = x\n[boot]\nentries = two\n"),
            ):
        error = tap.raises(ValueError, cells.scenario, tap.write_text(work, "a.ini", text))
        tap.check(error and word in error, name + " is an error", error)
    tap.check(not tap.raises(ValueError, cells.scenario,
                             tap.write_text(work, "a.ini", FAILING % ("reboot:2", "x"))),
              "a failing boot with its sentence is accepted")
    for text, found in (("ci", ["ci", "ci"]), ("release", ["release", "release"]),
                        ("ci n", ["release", "ci"])):
        tap.check(cells.tiers(path, {"machines": ["m", "n"], "tier": text}) ==
                  dict(zip("mn", found)), f"tier = {text}")
    for text in ("", "nightly", "ci x", "ci m n", "release m"):
        error = tap.raises(ValueError, cells.tiers, path, {"machines": ["m", "n"], "tier": text})
        tap.check(error and path in error, f"tier = {text} is an error", error)
    names = [cell["name"] for cell in cells.load(HERE)]
    tap.check("x86-bios-grub/pid1" in names and names == sorted(names), "all cells are read", names)
    tap.check(cells.load(HERE, "*/no-such-cell") == [], "a pattern may match no cell")
    some = "*/pid1 */no-such-cell x86-direct/*"
    tap.check(cells.unmatched(cells.load(HERE, some), some) == ["*/no-such-cell"],
              "a pattern that matches no cell is named")
    for name in ("a@b", "a.b", "a b"):
        tap.check(tap.raises(ValueError, cells.stem, f"x/{name}.ini"), f"'{name}' is not a name")
    lacks = cells.missing({"needs": "sh:dash no-such-program:no-such-package /no/file:another"})
    tap.check(lacks == "another no-such-package not installed", "missing packages are named", lacks)


def plans():
    """The probe of each menu entry gets the right ends of its boots."""
    for entries, first, second in (
            ([0], ["poweroff"], []),
            ([1], [], ["poweroff"]),
            ([0, 0, 0], ["reboot", "reboot", "poweroff"], []),
            ([0, 1, 0], ["reboot:1", "poweroff"], ["reboot:0"]),
            ):
        tap.check((image.then(entries, 0), image.then(entries, 1)) == (first, second),
                  f"the ends of boots of the entries {entries}")


SCRIPT = """
event() { echo "{\\"event\\": \\"$1\\", \\"data\\": {\\"guest\\": true, \\"reason\\": \\"$2\\"}}"; }
still() { exec sleep 900; }
off() { event SHUTDOWN guest-shutdown; still; }
boot() { echo MARK >>$C; sleep $S; echo '[ 0.0] Linux version 6' >>$C; sleep $S
    echo 'Run /x as init process' >>$C; sleep $S; }
last() { echo 'reboot: Power down' >>$C; }
report() { echo ok >>$R; sleep $S; }
halt() { echo 'reboot: System halted' >>$C; }
"""
# (name, what the machine does, how often it may restart, its end, the number of its boots).
MACHINES = [
    ("a power-off", "boot; report; off", 0, "poweroff", 1),
    ("a restart in which the firmware resets twice", "boot; event RESET guest-reset; sleep 0.1;"
     "event RESET guest-reset; boot; report; off", 1, "poweroff", 2),
    ("an unexpected restart", "boot; event RESET guest-reset; boot; still", 0,
     "an extra restart", 2),
    ("a reset if QEMU may not restart", "boot; event SHUTDOWN guest-reset; still", 0,
     "reset", 1),
    ("QEMU ends without an event", "boot; exit 0", 0, "QEMU is gone", 1),
    ("QEMU does not start", "echo no such device; exit 1", 0, "QEMU is gone", 0),
    ("a power switch that ends QEMU without an event", "boot; report; last; exit 0", 0, "poweroff",
     1),
    ("QEMU fails at a power-off", "boot; report; last; exit 1", 0, "QEMU is gone", 1),
    ("a halt", "boot; halt; still", 0, "halt", 1),
    ("a halt that is followed by a power-off", "boot; halt; sleep $S; off", 0, "poweroff", 1),
    ("stuck in the firmware", "still", 0, "no end of stage firmware", 0),
    ("stuck in the loader", "echo MARK >>$C; still", 0, "no end of stage loader", 1),
    ("stuck in the kernel", "echo MARK >>$C; echo Linux version 6 >>$C; still", 0,
     "no end of stage kernel", 1),
    ("stuck in the program", "boot; still", 0, "no end of stage prepare", 1),
    ("stuck in the probe", "boot; report; still", 0, "no end of stage probe", 1),
    ("a firmware that resets in a loop", "boot; for i in $(seq 99); do event RESET guest-reset;"
     "sleep $S; done", 9, "no end of stage firmware", 1),
]


def watch(work, number, script, restarts):
    """watch() on a shell script. $C and $R are console and report; the script sleeps $S seconds so
    that the watch sees each stage."""
    console, report = (os.path.join(work, f"{name}-{number}") for name in "CR")
    words = ["env", "C=" + console, "R=" + report, f"S={limit(0.3):f}", "sh", "-c", SCRIPT + script]
    return machine.watch(words, console, report, "MARK", restarts, limit(1))


def machines(work):
    """watch() reports each end of a machine, and the time of each stage."""
    short = {stage: seconds / 10 for stage, seconds in machine.LIMITS.items()}
    with concurrent.futures.ThreadPoolExecutor(len(MACHINES)) as pool, \
            unittest.mock.patch.dict(machine.LIMITS, short):
        runs = list(pool.map(lambda number: watch(work, number, *MACHINES[number][1:3]),
                             range(len(MACHINES))))
    for run, (name, _, _, end, boots) in zip(runs, MACHINES):
        tap.check(run["end"] == end and len(run["boots"]) == boots, name, run)
    tap.check(all(runs[0]["boots"][0].values()), "every stage has its time", runs[0])
    tap.check(all(runs[6]["boots"][0].values()), "every stage has its time without QEMU's event",
              runs[6])
    tap.check("no such device" in runs[5]["output"], "QEMU's output is kept", runs[5])
    with open(os.path.join(work, "C-0"), encoding="utf-8") as source:
        tap.check(source.readline().startswith("# env C="),
                  "the console file begins with the command")
    host = b'{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-signal"}}'
    tap.check(machine.events_of(machine.messages_of(
        [host, b"no JSON", b'{"return": {}}'])) == [],
              "a shutdown by the host is not the guest's")


def disks(work):
    """A small disk is made, and damage to it is found."""
    path, source = os.path.join(work, "disk.img"), os.path.join(work, "source")
    os.makedirs(os.path.join(source, "inner"))
    parts = disk.layout([16])
    disk.create(path, parts, loaders.BIOS_BOOT)
    disk.fill(path, parts[0], source, "root")
    tap.check(disk.names_in(path, parts[0], "/") == ["inner", "lost+found"],
              "the names on the disk are read")
    tap.check(disk.superblock_state(path, parts[0]) == (True, False) and
              not disk.check_ext4(path, parts[0]), "a fresh file system is clean")
    disk.make_immutable(path, parts[0], ["/inner"])
    tap.check("Flags: 0x80010" in disk.debugfs(path, parts[0], "stat /inner"),
              "a directory has the immutable flag")
    grub(work, path)
    tap.check(not disk.check_ext4(path, parts[0]), "GRUB does not overwrite the file system")
    for name, offset, form, value, seen in (
            ("an error state", 0x3A, "<H", 2, (False, False)),
            ("a journal to replay", 0x60, "<I", 0x4 | 0x2C2, (True, True))):
        copy = path + ".broken"
        shutil.copyfile(path, copy)
        with open(copy, "r+b") as out:
            out.seek(parts[0]["start"] + 1024 + offset)
            out.write(struct.pack(form, value))
        tap.check(disk.superblock_state(copy, parts[0]) == seen, name + " is found")
    copy = path + ".changed"
    shutil.copyfile(path, copy)
    with open(copy, "r+b") as out:
        out.write(b"x")
        out.flush()
        tap.check(filesystem.same(copy, path, parts[0]), "a change outside a partition is ignored")
        out.seek(parts[0]["start"] + parts[0]["size"] - 1)
        out.write(b"x")
    tap.check(not filesystem.same(copy, path, parts[0]), "a changed byte of a partition is found")
    disk.debugfs(path, parts[0], "clri /inner")
    tap.check(disk.check_ext4(path, parts[0]), "a lost directory is found")


def grub(work, path):
    """GRUB's boot code and image are at the offsets that GRUB's sources define."""
    kind = cells.machine(os.path.join(HERE, "machines/x86-bios-grub.ini"))
    if cells.missing(kind):
        tap.skip("GRUB on the disk", cells.missing(kind))
        return
    with open(path, "rb") as image_file:
        before = image_file.read(512)
    loaders.of(kind).install(path, work, None, {"number": 2}, "/boot")
    with open(path, "rb") as image_file:
        sector = image_file.read(512)
        image_file.seek(disk.MIB)
        core = image_file.read(disk.MIB)
    start, length, _ = struct.unpack_from("<QHH", core, 500)
    size = len(core.rstrip(b"\0"))
    tap.check(sector[0x1B8:] == before[0x1B8:] and sector[:2] == b"\xeb\x63" and
              struct.unpack_from("<Q", sector, 0x5C) == (2048,) and start == 2049 and
              0 <= (length + 1) * 512 - size < 4096, "GRUB on the disk", (start, length, size))


def paths(work):
    """Images have distinct names, and paths may have commas."""
    def make(path, _):
        os.mkdir(path)

    for prefix, key in (("m.a", "1"), ("m.a-b", "1"), ("m.a", "2")):
        image.replace(work, prefix, key, make)
    tap.check(sorted(os.listdir(work)) == ["m.a-b@1", "m.a@2"],
              "a new image replaces only the old one of its own cell", os.listdir(work))
    kind = dict(cells.MACHINE, **{"qemu": "q", "disk-device": "d"})
    words = machine.command(kind, "tcg", "/a,b/i", machine.kept(kind, "/a,b/c", "/a,b/r"), True)
    words += machine.kept(kind, "/a,b/c", "/a,b/r", "/a,b/k")
    tap.check(sum(word.count("/a,,b/") for word in words) == 6 and not any(
        "/a,b/" in word for word in words), "commas in paths are doubled for QEMU", words)
    found = subprocess.run(
        [sys.executable, "-c", "import shutil\nfrom rig.disk import disk\n"
         "print(shutil.which('mkfs.ext4'))"], cwd=HERE, stdout=subprocess.PIPE, text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}, check=True).stdout
    tap.check("/mkfs.ext4" in found, "mkfs.ext4 is found with an ordinary user's PATH", found)


def room(work):
    """On a disk that is nearly full, a cell's own images are removed; a full one is an error."""
    images = os.path.join(work, "qemu/images")
    own = {"m.a@1", "m.a.initramfs@1", "m.a.repo@1"}
    others = {"m.a-b@1", "m.b@1", "probe-repo-m@1"}
    for name in own | others:
        os.makedirs(os.path.join(images, name))
    usage, kept = shutil.disk_usage, []
    try:
        for free, left in ((7.0, own | others), (5.0, others)):
            shutil.disk_usage = lambda _, free=free: argparse.Namespace(free=free * 2 ** 30)
            image.make_room(work, {"name": "m/a"})
            kept.append(set(os.listdir(images)) == left)
        tap.check(kept == [True, True] and tap.raises(RuntimeError, image.need_room, work) is None,
                  "a cell's own images are removed if the disk is nearly full", os.listdir(images))
        shutil.disk_usage = lambda _: argparse.Namespace(free=2 ** 29)
        said = tap.raises(RuntimeError, image.need_room, work)
        tap.check(said == work + ": its disk has 0.5 GiB free, and 1 are needed: make room first",
                  "a full disk is reported before anything runs", said)
    finally:
        shutil.disk_usage = usage


def stopped():
    """No tool starts in a run that was stopped."""
    disk.stop.set()
    tap.check(tap.raises(RuntimeError, disk.run, ["true"]) == "stopped",
              "no tool starts after a stop")
    disk.stop.clear()
    tap.check(tap.raises(RuntimeError, disk.run, ["true"]) is None, "otherwise a tool starts")


def load_run():
    """The program `run` as a module."""
    loader = importlib.machinery.SourceFileLoader("run", os.path.join(HERE, "run"))
    run = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(run)
    return run


def play(what, folder):
    """Runs `run` ("matrix"; "nothing": no cell can run) or the script of `run --try` ("try"). The
    machine is a sleeping shell that writes down its process ID. A process of its own calls this, so
    that it can be interrupted."""
    run = load_run()
    words = ["sh", "-c", f'echo $$ >>"{os.path.join(folder, "pids")}"; exec sleep 900']
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if what == "try":
        run.leave_on_signals()
        return tryout.script(words, os.path.join(folder, "console"), 1)
    image.need_programs = lambda *_: None
    if what == "nothing":
        cells.missing = lambda _: "a package is not installed"
        sys.argv = ["run", "--build", folder, "--only", "x86-bios-grub/pid1"]
        os.environ["MUST_RUN"] = "0"
        return run.main()
    cells.missing = lambda _: ""
    Hosts.measure = lambda *_: ("tcg", 1.0)
    cell.prepare = lambda build, one: os.makedirs(cell.paths_of(build, one)["folder"])
    cell.qemu_commands = lambda *_: [words]
    sys.argv = ["run", "--build", folder]
    return run.main()


def machines_of(folder, count):
    """The process IDs of `count` sleeping machines, as soon as they run."""
    path, end, pids = os.path.join(folder, "pids"), time.monotonic() + limit(30), []
    while len(pids) < count and time.monotonic() < end:
        time.sleep(0.05)
        if os.path.exists(path):
            with open(path, encoding="ascii") as source:
                pids = source.read().split()
    return pids


def interrupted():
    """A signal ends the run immediately, with all its machines."""
    for what, count in (("matrix", 2), ("try", 1)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
                    [sys.executable, __file__, what, folder], stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, text=True) as process:
                pids = machines_of(folder, count)
                # The machine may run before its own Popen() has returned.
                time.sleep(limit(0.5))
                process.send_signal(number)
                try:
                    said = process.communicate(timeout=limit(15))[0]
                except subprocess.TimeoutExpired:
                    process.kill()
                    said = "it did not end"
                left = [pid for pid in pids if os.path.exists("/proc/" + pid)]
                tap.check(len(pids) == count and pids == machines_of(folder, count) and not left
                          and process.returncode == 128 + number and "Traceback" not in said,
                          f"{number.name} ends the {what} and its machines",
                          (pids, left, process.returncode, said))
                for pid in left:
                    os.kill(int(pid), signal.SIGKILL)


def broken_cell(work):
    """An unexpected exception fails its cell, with the place of the exception."""
    def prepare(*_):
        return {}["no such key"]

    cell.prepare = prepare
    hosts = Hosts(1.0, lambda _: None)
    result = cell.run_cell(work, {"name": "m/s", "machine": {"qemu": "q", "arch": "a"},
                                  "scenario": {"about": "x"}}, hosts)
    seen = "\n".join(result["findings"])
    tap.check(result["name"] == "m/s" and "KeyError: 'no such key'" in seen and
              "in prepare" in seen and "test-rig.py" in seen,
              "an exception in a cell fails the cell, and names its place", result)
    with open(os.path.join(work, "qemu/m/s/findings"), encoding="utf-8") as source:
        tap.check(source.read() == seen + "\n", "the findings are kept in the cell's folder")


def must_run():
    """A cell that cannot run is skipped, or fails with MUST_RUN=1."""
    unable = {"name": "m/s", "machine": {}, "scenario": {"about": "x"}}
    os.environ["MUST_RUN"] = "0"
    tap.check(cell.skipped(unable, "why")["skip"] == "why", "a cell that cannot run is skipped")
    os.environ["MUST_RUN"] = "1"
    result = cell.skipped(unable, "why")
    tap.check(result["findings"] and not result["skip"],
              "a cell that cannot run fails with MUST_RUN=1")
    with tempfile.TemporaryDirectory() as folder:
        found = subprocess.run(
            [sys.executable, __file__, "nothing", folder], stdout=subprocess.PIPE, text=True,
            check=False)
        tap.check(found.returncode == 1 and "1 skipped" in found.stdout,
                  "a run in which no cell could run fails", found)


if len(sys.argv) > 1:
    sys.exit(play(*sys.argv[1:]))
with tempfile.TemporaryDirectory() as scratch:
    paths(os.path.join(scratch, "images"))
    room(os.path.join(scratch, "room"))
    broken_cell(os.path.join(scratch, "build"))
    ini_files(scratch)
    plans()
    machines(scratch)
    disks(scratch)
interrupted()
stopped()
must_run()
sys.exit(tap.end())
