# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of a device: one disk boots again and again, and its own ostree updates it from a server
on the host, with our generator in libostree's hook. In some boots the machine is killed, as if the
power was cut.

The steps of each boot are in the scenario, and on the disk for the guest (see guest/life.sh).
"""

import contextlib
import re
import shlex

from rig.disk import image, loaders, versions
from rig.host import kernels
from rig.report import judge
from rig.vm import actions, machine, server

# Where the guest reads the steps of each boot, below the root of the disk.
FOLDER = "ostree/deploy/demo/var/life"
# How much longer than the probe the steps of a boot may take.
TIME_FACTOR = 2


def files(cell, commits):
    """{name: text} of the files in the guest's folder."""
    kind = cell["machine"]
    found = {"boot": "0\n", "versions": "".join("%s %s %s\n" % (
        version, commit, kernels.kernel(versions.kernel_of(cell, version))[0])
                                                for version, commit in commits.items()),
             "settings": "generator=/usr/lib/ostree/%s\nserver=http://%s\nport=/dev/%s\n" % (
                 loaders.of(kind).generator, server.ADDRESS, kind["report"])}
    for number, boot in enumerate(cell["life"], 1):
        found[f"{number}.steps"] = "".join(step + "\n" for step in boot["steps"])
        found[f"{number}.end"] = boot["end"].partition(":")[0] + "\n"
    return found


def birth(cell, commits):
    """A shell script that adds the steps and the remote to the finished sysroot."""
    address = f"http://{server.ADDRESS}"
    script = ["ostree --repo=ostree/repo remote add --no-gpg-verify factory " + address,
              "mkdir -p " + FOLDER]
    script += [f"printf %s {shlex.quote(text)} >{FOLDER}/{name}"
               for name, text in files(cell, commits).items()]
    return "\n".join(script)


def make(build, cell):
    """Makes a cell's disk; returns (path of the pristine image, facts about it)."""
    repo, commits = versions.repository(build, cell)
    change = birth(cell, commits) + "\n" + cell["disk"]["change"]
    pristine, facts = image.image(build, dict(cell, disk=dict(cell["disk"], change=change)),
                                  repo=repo)
    return pristine, dict(facts, repo=repo, commits=commits)


@contextlib.contextmanager
def served(cell, facts):
    """Runs the server of a life; yields QEMU's arguments for its network, or [] for other cells."""
    if not cell["life"]:
        yield []
        return
    running = server.Server(facts["repo"])
    try:
        yield server.network(running.server_port)
    finally:
        running.close()


def runs(cell):
    """The boots of each run of the machine. A run ends with a power-off or a kill."""
    found = [[]]
    for boot in cell["life"]:
        found[-1].append(boot)
        if boot["end"] != "reboot":
            found.append([])
    return found[:-1]


def killers(boots, report):
    """The actions for one run of the machine: a Killer if it ends with a kill."""
    word, _, seed = boots[-1]["end"].partition(":")
    return [actions.Killer(report, len(boots[-1]["steps"]), int(seed))] if word == "kill" else []


def live(cell, words, paths, scale):
    """Runs the machine until the life is over or a run ends wrongly. Returns the last result of
    machine.watch(), with the boots and ends of all runs."""
    boots, ends = [], []
    for run in runs(cell):
        found = machine.watch(words, paths["console"], paths["report"],
                              cell["machine"]["loader-mark"], len(run) - 1, scale * TIME_FACTOR,
                              killers(run, paths["report"]))
        boots += found["boots"]
        ends.append(found["end"])
        if ends[-1] not in ("poweroff", "killed"):
            break
    return dict(found, boots=boots, ends=ends)


def judge_runs(cell, run, console):
    """Findings about the ends of the runs, and about the console."""
    wanted = ["killed" if boots[-1]["end"][:4] == "kill" else "poweroff" for boots in runs(cell)]
    findings = [] if run["ends"] == wanted else [
        f"the machine's ends: {', '.join(run['ends'])}, expected {', '.join(wanted)}"]
    booted = len(re.findall(r"\] Linux version ", console))
    if not booted == len(run["boots"]) == len(cell["life"]):
        findings.append(f"{booted} boots by the console, {len(run['boots'])} by QEMU, "
                        f"expected {len(cell['life'])}")
    fine = ["recovery complete"] if "killed" in wanted else []
    return findings + ["the console has: " + judge.has(console, sign) for sign in judge.BAD_LINES
                       if sign not in fine and judge.has(console, sign)] + judge.judge_words(
                           "poweroff", cell["expect"], console, each=False)


def judge_boot(boot, report, commits):
    """Findings in the report of one boot: each step must be in it and have passed. If the machine
    is killed, the last step and the plan must be missing."""
    killed, steps = boot["end"].startswith("kill"), list(boot["steps"])
    findings = list(report["findings"])
    if killed:
        steps.pop()
        if "the report ends without a plan" in findings:
            findings.remove("the report ends without a plan")
        else:
            findings.append("it was not killed in the middle of its last step")
    if report["names"] != steps:
        findings.append(f"its steps were: {'; '.join(report['names'])}")
    running = (report["deployment"] or "").partition(".")[0]
    if running not in [commits[version] for version in boot["version"]]:
        findings.append(f"it was of {report['deployment']}, "
                        f"expected version {' or '.join(boot['version'])}")
    return findings


def judge_reports(cell, commits, found):
    """Findings in the guest's reports: one for each boot."""
    findings = []
    if len(found) != len(cell["life"]):
        findings.append(f"{len(found)} reports, expected {len(cell['life'])}")
    for number, (boot, report) in enumerate(zip(cell["life"], found), 1):
        findings += [f"boot {number}: {finding}"
                     for finding in judge_boot(boot, report, commits)]
    return findings
