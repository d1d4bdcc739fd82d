# SPDX-License-Identifier: LGPL-2.1-or-later
"""Judges a cell: pure functions that turn consoles, reports and disks into a list of findings.

A finding is a sentence about something that is missing or wrong; a cell passes if there is none.
All expected evidence is required here, so that a cell cannot pass because something was not
reported. """

import re

# What a healthy boot never writes to the console.
BAD_LINES = ["Kernel panic", "BUG:", "WARNING:", "Oops", "Call Trace", "EXT4-fs error",
           "EXT4-fs warning", "recovery complete", "mounting unchecked fs", "error: "]
# {expected end: (how the machine ended by QEMU's events, what the kernel says last)}.
ENDS = {"poweroff": ("poweroff", "reboot: Power down"),
        "typed": ("poweroff", "reboot: Power down"),
        "panic": ("reset", "Kernel panic - not syncing: Attempted to kill init!"),
        "no-root": ("reset", "Kernel panic - not syncing: VFS: Unable to mount root fs"),
        "no-init": ("reset", "Kernel panic - not syncing: Requested init"),
        "loader": ("reset", ""),
        "reboot": ("reset", "reboot: Restarting system"),
        "halt": ("halt", "reboot: System halted")}
# Harmless messages of systemd: /usr stays mounted when it ends, BPF may be missing, and on a busy host
# systemd is gone when journald says that it is alive.
IGNORED = ["Failed to unmount /usr: Device or resource busy", "Failed to finalize file systems",
        "Failed to open libbpf", "Failed to send WATCHDOG=1 notification message"]
UNMOUNT_OK = ["All filesystems unmounted.", "Not all file systems unmounted, 1 left."]
# The least number of checks in a report, by what was booted: a guest must not leave out any.
CHECKS = {"deployment": 35, "fixed": 31, "fat": 34, "plain": 15, "debian": 32}
# The tolerance for a delay, because the clocks of machine and host differ: it must not be shorter
# than configured, nor longer by more than these seconds times the scale of the time limits.
SLACK = 5.0


def report_of(text):
    """One boot's report as a dict. A report that was cut anywhere has a finding."""
    report = {"deployment": None, "prepare": None, "passed": 0, "checks": 0, "names": [],
              "findings": []}
    findings, plan = report["findings"], None
    for line in text.splitlines():
        check = re.fullmatch(r"(not )?ok (\d+) - (.+)", line)
        note = re.fullmatch(r"# (deployment|prepare)\S* (\S*)", line)
        planned = re.fullmatch(r"1\.\.(\d+)", line)
        if plan is not None:
            findings.append(f"the report continues after its plan: '{line}'")
        elif planned:
            plan = int(planned.group(1))
        elif check:
            report["checks"] += 1
            report["passed"] += not check.group(1)
            report["names"].append(check.group(3))
            if int(check.group(2)) != report["checks"]:
                findings.append(f"the report lacks check {report['checks']}")
            if "#" in check.group(3):
                findings.append("a check was skipped: " + line)
            if check.group(1):
                findings.append("not so: " + check.group(3))
        elif note:
            report[note.group(1)] = note.group(2)
        elif line.startswith("#   ") and findings:
            findings[-1] += "\n" + line
        else:
            findings.append(f"the report has the line '{line}'")
    if plan is None or not text.endswith("\n"):
        findings.append("the report ends without a plan")
    elif plan != report["checks"] or not plan:
        findings.append(f"the report plans {plan} checks and has {report['checks']}")
    return report


def reports(text, shared="no"):
    """Splits the output of the report port into one report for each boot. Text before the first one
    is a finding, unless the firmware shares the port."""
    before, *parts = re.split(r"^TAP version 13\r?\n", text, flags=re.MULTILINE)
    found = [report_of(part) for part in parts]
    if found and before and shared == "no":
        found[0]["findings"].append(f"the report begins with '{before.splitlines()[0]}'")
    return found


def has(console, sentence):
    """The first line of the console with the sentence, in which * matches anything; else None."""
    pattern = re.escape(sentence).replace(r"\*", ".*")
    found = re.search(rf"^.*{pattern}.*$", console, re.MULTILINE)
    return found.group(0) if found else None


def clock(line):
    """The kernel's time stamp of a console line, or None."""
    stamp = re.search(r"\[ *(\d+\.\d+)\]", line or "")
    return float(stamp.group(1)) if stamp else None


def judge_delay(console, wanted, scale):
    """Findings about the delay between the message of a reboot and the restart."""
    said = clock(has(console, "] rootstock: rebooting"))
    done = clock(has(console, "reboot: Restarting system"))
    if said is None or done is None:
        return ["the console does not show how many seconds were before the restart"]
    if not wanted <= done - said <= wanted + SLACK * scale:
        return [f"it restarted after {done - said:.1f} s, not {wanted}"]
    return []


def judge_words(kind, expect, console, each=True):
    """Findings about messages: the expected ones must be there, in each boot or in any; and if the
    boot works, there must be no others from our programs."""
    # Our program can only print after the kernel has started it.
    boots = [boot[max(boot.rfind(" as init process"), 0):]
             for boot in console.split("] Linux version ")[1:] or [""]]
    boots = boots if each else ["\n".join(boots)]
    findings = [f"the console lacks the sentence '{sentence}'" + (
        f" in boot {number}" if len(boots) > 1 else "")
                for sentence in expect["console"] for number, after in enumerate(boots, 1)
                if not has(after, sentence)]
    findings += [f"the loader does not say '{sentence}'"
                 for sentence in expect["loader"] if not has(console, sentence)]
    if kind != "poweroff":
        return findings
    fine = expect["console"] + expect["loader"] + expect["noise"] + [
        "rootstock: booting ", "rootstock: prepared ", "rootstock: root=* is /dev/*, ",
        "rootstock: *, from */loader/uEnv.txt"]
    return findings + ["the console has: " + line
                       for line in re.findall(r"^.*rootstock: .*$", console, re.MULTILINE)
                       if not any(has(line, sentence) for sentence in fine)]


def judge_end(boot, expect, run, console, scale):
    """Findings about how the machine ended and how often it booted; `scale` is that of the time
    limits."""
    findings = []
    kind, _, seconds = boot["end"].partition(":")
    # A machine that cannot power off halts instead.
    end, words = ENDS[boot["off"] if kind == "poweroff" else kind]
    if run["end"] != end:
        findings.append(f"the machine's end: {run['end']}, expected {end}")
    if words not in console:
        findings.append(f"the console lacks '{words}'")
    booted = len(re.findall(r"\] Linux version ", console))
    # If the boot loader gives up, no kernel starts.
    wanted = 0 if kind == "loader" else len(boot["entries"])
    if booted != wanted or len(run["boots"]) != len(boot["entries"]):
        findings.append(f"{booted} boots by the console, {len(run['boots'])} by QEMU, "
                        f"expected {wanted}")
    if kind == "reboot":
        findings += judge_delay(console, int(seconds or 0), scale)
    if "Kernel panic" not in words:
        trouble = BAD_LINES if kind == "poweroff" else ["Kernel panic"]
        findings += ["the console has: " + line for sign in trouble for line in re.findall(
            f"^.*{re.escape(sign)}.*$", console, re.MULTILINE)[:3]
                     if not any(has(line, sentence)
                                for sentence in expect["loader"] + expect["noise"])]
    return findings + judge_words(kind, expect, console)


def judge_check(boot, expect, checked):
    """Findings about `rootstock-bls check`, which saw the disk before the machine did. It must find
    what the scenario lists, and its verdict on each entry must be what the machine did."""
    wanted = sorted(set(expect["check"]) - {"unseen"})
    findings = []
    if checked["ids"] != wanted:
        findings.append(f"check finds {' '.join(checked['ids']) or 'nothing'}, expected "
                        f"{' '.join(wanted) or 'nothing'}")
    # If no entry can be started from this menu, our loaders boot the entries of another one.
    elsewhere = boot["end"] == "poweroff" and any(name.startswith("menu-") for name in wanted)
    good = boot["end"] == "poweroff" or "unseen" in expect["check"]
    for entry in sorted(set(boot["entries"])):
        if not elsewhere and checked["boots"][entry] != good:
            findings.append(f"check says that entry {entry} "
                            f"{'does not boot, and it does' if good else 'boots, and it does not'}")
    return findings


def judge_initramfs(cell, console):
    """Findings about the messages of rootstock-init: it must name each root that it was to find."""
    boot = cell["boot"]
    if cell["initramfs"]["kind"] != "rootstock" or boot["end"] != "poweroff":
        return []
    wanted = [f"rootstock: {root} is /dev/" for root in boot["roots"] or ["root=*"]]
    return [f"the console lacks '{sentence}'"
            for sentence in wanted if not has(console, sentence)]


def judge_systemd(console, expected=()):
    """Findings about systemd's messages at the start and end of a distribution, other than the
    expected ones.

    systemd itself runs from /usr, so it cannot unmount /usr in the end; the file system is
    read-only by then. Debian 12's systemd tries it nevertheless, and reports a failure, which is
    ignored. """
    console = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", console)
    findings = ["the console has: " + line for line in re.findall(
        r"^.*(?:\[ *(?:FAILED|DEPEND|TIME) *\]|Failed to |Failed un).*$", console, re.MULTILINE)
        if not any(has(line, fine) for fine in IGNORED + list(expected))]
    for number, boot in enumerate(console.split("] Linux version ")[1:], 1):
        last = re.findall(r"systemd-shutdown\[1\]: (.* unmounted.*)", boot)[-1:]
        if not last or last[0] not in UNMOUNT_OK:
            findings.append(f"boot {number} ended with {last or 'no message of systemd'}")
    return findings


def judge_reports(boot, deployments, found):
    """Findings in the guest's reports: there must be one for each boot, of the right deployment."""
    if boot["end"] != "poweroff":
        return ["the tree's init was started although the boot must fail"] if found else []
    wanted = [deployments[entry] for entry in boot["entries"]]
    findings = []
    if len(found) != len(wanted):
        findings.append(f"{len(found)} reports, expected {len(wanted)}")
    for number, (report, deployment) in enumerate(zip(found, wanted), 1):
        findings += [f"boot {number}: {finding}" for finding in report["findings"]]
        if report["deployment"] != deployment:
            findings.append(f"boot {number} was of {report['deployment']}, expected {deployment}")
    return findings


def judge_checks(plan, expect, found):
    """Findings about reports with fewer checks than what was booted must report."""
    kind = plan["tree"] if plan["userland"] == "probe" else plan["userland"]
    # With /boot on a FAT, libostree is not asked.
    kind = "fat" if plan["partition"] == "fat" else kind
    least = CHECKS["fixed" if expect["root"] == "fixed" else kind]
    return [f"boot {number}: {report['checks']} checks, expected at least {least}"
            for number, report in enumerate(found, 1) if report["checks"] < least]


def judge_disk(states):
    """Findings about file systems: `states` are (name, clean, needs_recovery, complaints)."""
    findings = []
    for name, clean, needs_recovery, complaints in states:
        if not clean or needs_recovery:
            findings.append(f"{name} was not left clean")
        if complaints:
            findings.append(f"the checker complains about {name}: {complaints}")
    return findings


def judge_names(names, expected_names):
    """Findings about the names in the physical root."""
    if names == expected_names:
        return []
    return [f"the physical root now has {' '.join(names)}, before {' '.join(expected_names)}"]
