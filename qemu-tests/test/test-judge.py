#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The judge of the boot matrix: whatever is missing, cut short or too much is a finding."""

import re
import sys
import xml.etree.ElementTree

from rig.report import judge, tap_junit
from testlib import tap

GOOD = """TAP version 13
ok 1 - the first
# deployment aaa.0
# prepare-seconds 0.080000
ok 2 - the second
1..2
"""
CONSOLE = """# qemu
GRUB on BIOS
[    0.000000] Linux version 6.1
[    1.500000] Run /x as init process
[    1.600000] rootstock: cannot do it: no such thing
[    1.700000] rootstock: rebooting in 2 seconds, as rootstock.onfail= says
[    3.800000] %s
"""
HEALTHY = re.sub("rebooting.*", "booting /x", CONSOLE)


def findings(text):
    """All findings in the reports of a text."""
    return [finding for report in judge.reports(text) for finding in report["findings"]]


def reports():
    """A complete report has no finding; a cut or changed one has."""
    for shared, count in (("no", 1), ("yes", 0)):
        found = judge.reports("BdsDxe: starting\n" + GOOD, shared)
        tap.check(len(found[0]["findings"]) == count,
                  f"text before the report, if the firmware shares the port: {shared}", found)
    first = judge.reports(GOOD)
    tap.check(len(first) == 1 and not first[0]["findings"] and first[0]["passed"] == 2 and
              first[0]["deployment"] == "aaa.0" and first[0]["prepare"] == "0.080000",
              "a complete report has no finding")
    tap.check(not findings(GOOD.replace("\n", "\r\n")), "a report with CR LF has no finding")
    whole = [cut for cut in range(len(GOOD)) if judge.reports(GOOD[:cut]) and
             not findings(GOOD[:cut])]
    tap.check(not whole, "a report cut at any byte has a finding", whole)
    tap.check(judge.reports("") == [] and judge.reports("ok 1 - x\n1..1\n") == [],
              "text without a report's first line is not a report")
    for name, text in {
            "a failed check": GOOD.replace("ok 2", "not ok 2"),
            "a missing number": GOOD.replace("ok 2", "ok 3"),
            "a repeated number": GOOD.replace("ok 2", "ok 1"),
            "a plan that is too long": GOOD.replace("1..2", "1..3"),
            "a plan that is too short": GOOD.replace("1..2", "1..1"),
            "a plan of nothing": "TAP version 13\n1..0\n",
            "two plans": GOOD + "1..2\n",
            "a check after the plan": GOOD + "ok 3 - x\n",
            "an unknown line": GOOD.replace("ok 2", "OK 2"),
            "a kernel message in between": GOOD.replace("ok 2", "[ 1.0] oops\nok 2"),
            }.items():
        tap.check(findings(text), name + " is a finding")
    for name, text in (("a check that was skipped", GOOD.replace("the second", "it # SKIP why")),
                       ("a check marked TODO", GOOD.replace("the second", "it # TODO")),
                       ("text before the report", "ok 1 - x\n" + GOOD)):
        tap.check(findings(text), name + " is a finding")
    two = judge.reports(GOOD + GOOD.replace("aaa", "bbb"))
    tap.check([report["deployment"] for report in two] == ["aaa.0", "bbb.0"],
              "two boots are two reports")
    explained = GOOD.replace("ok 2 - the second", "not ok 2 - the second\n#   why")
    tap.check("why" in findings(explained)[0], "a failed check keeps its explanation")


def sequence():
    """There must be one report for each boot, in order."""
    boot = {"entries": [0, 1], "end": "poweroff"}
    both = judge.reports(GOOD + GOOD.replace("aaa", "bbb"))
    for name, good, found in (
            ("both deployments in order", True, both),
            ("the wrong order", False, both[::-1]),
            ("a missing boot", False, both[:1]),
            ("an additional boot", False, both + both[:1]),
            ("no report at all", False, []),
            ):
        result = judge.judge_reports(boot, ["aaa.0", "bbb.0"], found)
        tap.check(bool(result) != good, name, result)
    failing = {"entries": [0], "end": "panic"}
    tap.check(not judge.judge_reports(failing, ["aaa.0"], []),
              "a boot that must fail needs no report")
    tap.check(judge.judge_reports(failing, ["aaa.0"], both[:1]),
              "a report of a boot that must fail is a finding")


def completeness():
    """A report with too few checks has a finding."""
    for name, tree, userland, root in (("a deployment", "deployment", "probe", "rw"),
                                       ("a plain root", "plain", "probe", "rw"),
                                       ("a distribution", "deployment", "debian", "rw"),
                                       ("a read-only root", "deployment", "probe", "fixed")):
        least = judge.CHECKS["fixed" if root == "fixed" else "debian" if userland == "debian"
                             else tree]
        plan = {"tree": tree, "userland": userland, "partition": ""}
        expect = {"root": root}
        both = [{"checks": least}, {"checks": least - 1}]
        tap.check(not judge.judge_checks(plan, expect, both[:1]) and
                  len(judge.judge_checks(plan, expect, both)) == 1, name + " needs all its checks")


def each_boot():
    """An expected sentence must be in each boot."""
    said = HEALTHY.replace("# qemu\n", "") % "reboot: Power down"
    for good, console in ((True, said + said), (False, said + said.replace("cannot", "can")),
                          (False, said.replace("cannot", "can") + said)):
        found = judge.judge_words(
            "panic", {"console": ["rootstock: cannot do it"], "loader": [], "noise": []}, console)
        tap.check(bool(found) != good, "a sentence in each boot", found)


def end(kind, words, boots=1, ending="reset", sentence="rootstock: cannot do it: * thing",
        console=CONSOLE, scale=1, off="poweroff"):
    """The judge's findings about one end of a machine."""
    return judge.judge_end({"entries": [0], "end": kind, "off": off},
                           {"console": [sentence], "loader": [], "noise": []},
                           {"end": ending, "boots": [{}] * boots}, console % words, scale)


def loader(kind, said, console, boots=1, ending="reset"):
    """The judge's findings about a boot loader's messages."""
    return judge.judge_end({"entries": [0], "end": kind, "off": "poweroff"},
                           {"console": [], "loader": said, "noise": ["WARNING: its own", "rootstock: *x.ko"]},
                           {"end": ending, "boots": [{}] * boots}, console, 1)


def loaders():
    """Boot loaders that give up or recover, and messages that were not expected."""
    well = "GRUB\nerror: torn.\n" + HEALTHY % "reboot: Power down"
    well = well.replace("cannot do it: no such thing", "booting x")
    for name, good, result in (
            ("a loader gives up", True, loader("loader", ["it * up"], "GRUB\nit gives up\n")),
            ("a loader gives up without a message", False, loader(
                "loader", ["it * up"], "GRUB\n")),
            ("a loader gives up, but starts a kernel", False, loader(
                "loader", ["it * up"], "it gives up\n[ 0.0] Linux version 6\n")),
            ("a loader gives up, but does not restart", False, loader(
                "loader", ["it * up"], "it gives up\n", ending="no end of stage loader")),
            ("an expected torn menu", True, loader("poweroff", ["error: torn."], well,
                                                   ending="poweroff")),
            ("an unexpected torn menu", False, loader("poweroff", [], well, ending="poweroff")),
            ("a warning that is normal for the machine", True, loader(
                "poweroff", ["error: torn."], well + "WARNING: its own\n", ending="poweroff")),
            ("a message of our program that is normal for the machine", True, loader(
                "poweroff", ["error: torn."], well + "rootstock: no x.ko\n", ending="poweroff")),
            ("another message of our program", False, loader(
                "poweroff", ["error: torn."], well + "rootstock: no y.ko\n", ending="poweroff")),
            ("another warning", False, loader(
                "poweroff", ["error: torn."], well + "WARNING: x\n", ending="poweroff")),
            ("another error", False, loader(
                "poweroff", ["error: torn."], well + "error: lost.\n", ending="poweroff")),
            ("no root", True, loader("no-root", [], "[ 0.0] Linux version 6\n" +
                                     judge.ENDS["no-root"][1])),
            ("no root, but another panic", False, loader("no-root", [], "[ 0.0] Linux version 6\n"
                                                        "Kernel panic - not syncing: x")),
            ):
        tap.check(bool(result) != good, name, result)


def ends():
    """A machine must end as the scenario says, with the expected messages."""
    again = "reboot: Restarting system"
    for name, good, result in (
            ("reboot after its seconds", True, end("reboot:2", again)),
            ("reboot without a delay, but late", False, end(
                "reboot", again, console=CONSOLE.replace("3.8", "9.9"))),
            ("reboot too early", False, end("reboot:3", again)),
            ("reboot too late", False, end("reboot:2", again,
                                           console=CONSOLE.replace("3.8", "9.9"))),
            ("reboot that is late on a slow host", True, end(
                "reboot:2", again, console=CONSOLE.replace("3.8", "9.9"), scale=2)),
            ("reboot that is too late for a slow host", False, end(
                "reboot:2", again, console=CONSOLE.replace("3.8", "99.9"), scale=2)),
            ("reboot that is too early on a slow host", False, end("reboot:3", again, scale=2)),
            ("reboot, but it powers off", False, end("reboot:2", again, ending="poweroff")),
            ("reboot, but by a panic", False, end("reboot:2", again + "\nKernel panic - x")),
            ("reboot without the kernel's message", False, end("reboot:2", "quiet")),
            ("panic", True, end("panic", judge.ENDS["panic"][1])),
            ("another panic", False, end("panic", "Kernel panic - not syncing: VFS")),
            ("halt", True, end("halt", "reboot: System halted", ending="halt")),
            ("halt, but it restarts", False, end("halt", "reboot: System halted")),
            ("poweroff", True, end("poweroff", "reboot: Power down", ending="poweroff",
                                   console=HEALTHY)),
            ("poweroff of a machine that can only halt", True, end(
                "poweroff", "reboot: System halted", ending="halt", console=HEALTHY, off="halt")),
            ("poweroff, but it halts", False, end("poweroff", "reboot: System halted",
                                                  ending="halt", console=HEALTHY)),
            ("typed", True, end("typed", "reboot: Power down", ending="poweroff")),
            ("typed, but it restarts", False, end("typed", "reboot: Power down")),
            ("typed after a panic", False, end("typed", "Kernel panic - x\nreboot: Power down",
                                               ending="poweroff")),
            ("poweroff with an unexpected message", False, end("poweroff", "reboot: Power down",
                                                               ending="poweroff")),
            ("poweroff after an oops", False, end("poweroff", "Oops: 1\nreboot: Power down",
                                                  ending="poweroff", console=HEALTHY)),
            ("poweroff after a recovery", False, end(
                "poweroff", "EXT4-fs: recovery complete\nreboot: Power down", ending="poweroff",
                console=HEALTHY)),
            ("QEMU dies", False, end("panic", judge.ENDS["panic"][1], ending="QEMU is gone")),
            ("a stage does not end", False, end("panic", judge.ENDS["panic"][1],
                                                ending="no end of stage kernel")),
            ("an additional boot by QEMU's count", False, end(
                "panic", judge.ENDS["panic"][1], boots=2)),
            ("an additional boot on the console", False, end(
                "panic", judge.ENDS["panic"][1] + "\n[ 0.0] Linux version 6.1")),
            ("a missing sentence", False, end("panic", judge.ENDS["panic"][1],
                                              sentence="rootstock: other")),
            ("a sentence before the program ran", False, end("panic", judge.ENDS["panic"][1],
                                                             sentence="Linux version")),
            ):
        tap.check(bool(result) != good, name, result)


def disks():
    """A disk must be clean, without errors and with the same names as before."""
    fine = ("partition 2", True, False, "")
    for name, good, states, names in (
            ("a clean disk", True, [fine], ["a", "b"]),
            ("a disk with errors", False, [("x", False, False, "")], ["a", "b"]),
            ("a journal to replay", False, [("x", True, True, "")], ["a", "b"]),
            ("complaints of e2fsck", False, [fine, ("x", True, False, "bad")], ["a", "b"]),
            ("a new name", False, [fine], ["a", "b", "sysroot.tmp"]),
            ("a missing name", False, [fine], ["a"]),
            ):
        found = judge.judge_disk(states) + judge.judge_names(names, ["a", "b"])
        tap.check(bool(found) != good, name)


def roots():
    """rootstock-init must report the device of every root."""
    said = "[ 2.0] rootstock: root=%s is /dev/vda2, ext4\n"
    for name, good, kind, wanted, console in (
            ("a root that was found", True, "rootstock", [], said % "LABEL=x"),
            ("both of two roots", True, "rootstock", ["root=A", "root=B"],
             said % "A" + said % "B"),
            ("only one of two roots", False, "rootstock", ["root=A", "root=B"], said % "A" * 2),
            ("another root with the same prefix", False, "rootstock", ["root=A"], said % "AB"),
            ("rootstock-init without a message", False, "rootstock", [], ""),
            ("no initramfs, no message", True, "none", [], ""),
            ):
        cell = {"initramfs": {"kind": kind}, "boot": {"roots": wanted, "end": "poweroff"}}
        tap.check(bool(judge.judge_initramfs(cell, console)) != good, name)


def checks():
    """`rootstock-bls check` must find what the scenario lists, and agree with the machine."""
    for name, good, end, entries, wanted, ids, boots in (
            ("nothing", True, "poweroff", [0], [], [], [True, True]),
            ("a finding that is not listed", False, "poweroff", [0], [], ["a"], [True, True]),
            ("a listed finding is missing", False, "poweroff", [0], ["a"], [], [True, True]),
            ("an entry boots and check denies it", False, "poweroff", [0, 1], [], [],
             [True, False]),
            ("the entry that does not boot is another one", True, "poweroff", [1], ["a"], ["a"],
             [False, True]),
            ("another menu boots", True, "poweroff", [0], ["menu-a"], ["menu-a"], [False, False]),
            ("a failure that check sees", True, "panic", [0], ["a"], ["a"], [False, True]),
            ("a failure that check denies", False, "panic", [0], ["a"], ["a"], [True, True]),
            ("a failure that check cannot see", True, "panic", [0], ["unseen", "a"], ["a"],
             [True, True]),
            ("a failure that it can see after all", False, "panic", [0], ["unseen"], [],
             [False, True]),
            ):
        found = judge.judge_check({"end": end, "entries": entries}, {"check": wanted},
                                  {"ids": ids, "boots": boots})
        tap.check(bool(found) != good, f"check: {name}", found)


def systems():
    """systemd must report no failure, and unmount all but /usr."""
    start = "[ 0.0] Linux version 6.1\n[ 0.1] tsc: Fast TSC calibration failed\n[ 0.2] ..TIMER: 1\n"
    busy = "(sd-umount)[9]: Failed to unmount /%s: Device or resource busy\n"
    left = "systemd-shutdown[1]: Not all file systems unmounted, %d left.\n"
    last = "systemd-shutdown[1]: Failed to finalize file systems, ignoring.\n"
    none = "systemd-shutdown[1]: All filesystems unmounted.\n"
    for name, good, console in (
            ("all file systems are unmounted", True, start + none),
            ("/usr is busy", True, start + busy % "usr" + left % 1 + last),
            ("two file systems are left, then one", True, start + left % 2 + left % 1),
            ("two file systems are left in the end", False, start + left % 1 + left % 2),
            ("/var is busy", False, start + busy % "var" + left % 1),
            ("a unit fails", False, start + "[FAILED] Failed to start x\n" + none),
            ("a unit fails, in colour", False, start + "[\x1b[0mFAILED\x1b[0m] x\n" + none),
            ("a unit cannot be unmounted", False, start + "Failed unmounting var.mount\n" + none),
            ("a dependency fails", False, start + "[DEPEND] Dependency failed for x\n" + none),
            ("a unit times out", False, start + "[ TIME ] Timed out\n" + none),
            ("systemd does not report its end", False, start),
            ("the first of two boots does not end", False, start + start + none),
            ("both boots end", True, start + none + start + none),
            ):
        tap.check(bool(judge.judge_systemd(console)) != good, name)
    var = start + "[FAILED] Failed unmounting var.mount\n" + none
    tap.check(not judge.judge_systemd(var, ["Failed unmounting *var.mount"]) and
              judge.judge_systemd(var, ["Failed unmounting *etc.mount"]),
              "an expected failure is not a finding")


def shown():
    """TAP, the table, JUnit and the summary have each result."""
    machine = {"firmware": "F"}
    base = {"machine": machine, "run": {"boots": []}, "reports": [], "seconds": 1.0, "skip": "",
            "findings": []}
    results = [dict(base, name="m/a"), dict(base, name="m/b", findings=["one\ntwo \x1b[0m <&"]),
               dict(base, name="m/c", skip="no such package")]
    lines = tap_junit.tap(results).splitlines()
    tap.check(lines[0] == "ok 1 - m/a" and lines[1] == "not ok 2 - m/b" and
              lines[-2] == "ok 3 - m/c # SKIP no such package" and lines[-1] == "1..3" and
              all(line.startswith("#   ") for line in lines[2:-2]), "TAP", lines)
    tap.check("skipped: no such package" in tap_junit.row(results[2]) and
              tap_junit.row(results[1]).endswith("FAILED") and tap_junit.row(results[0]).endswith("  ok"),
              "the table has ok, FAILED and skipped")
    suite = xml.etree.ElementTree.fromstring(tap_junit.junit(results).split("\n", 1)[1])
    tap.check((suite.get("tests"), suite.get("failures"), suite.get("skipped")) ==
              ("3", "1", "1") and "two" in suite[1][0].text, "JUnit is XML with the right counts")
    tap.check(tap_junit.summary(results, tap_junit.about(2, "TCG", 2, "f")).startswith(
        "1 passed, 1 failed, 1 skipped in 2 s, 2 at a time, TCG"),
              "the summary has the right counts")


for part in (reports, sequence, completeness, each_boot, ends, loaders, disks, roots, checks,
             systems, shown):
    part()
sys.exit(tap.end())
