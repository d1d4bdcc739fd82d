# SPDX-License-Identifier: LGPL-2.1-or-later
"""One cell of the matrix: makes its disk, runs its machine and judges the boots. What the boots
leave, such as the console, is kept in the cell's folder."""

import os
import re
import shlex
import shutil
import subprocess
import time
import traceback

from rig.disk import debian, disk, filesystem, image, initramfs
from rig.report import judge
from rig.vm import actions, device_life, machine


def paths_of(build, cell):
    """{name: path} of a cell's output files; the QEMU command names some of them too."""
    folder = os.path.join(build, "qemu", cell["name"])
    return {name: os.path.join(folder, file) for name, file in (
        ("folder", ""), ("console", "console.log"), ("report", "verdict.tap"), ("keys", "keys"),
        ("command", "command"), ("image", "disk.img"), ("findings", "findings"))}


def make(build, cell):
    """Makes a cell's disk; returns (path of the pristine image, facts about it)."""
    if cell["life"]:
        return device_life.make(build, cell)
    initrd = initramfs.initramfs(build, cell)
    userland = cell["disk"]["userland"]
    if cell["machine"]["loader"] != "none":
        return image.image(build, cell, userland, initrd)
    pristine, facts = image.image(build, cell, userland, beside=initrd)
    return pristine, dict(facts, initrd=initrd)


def without_loader(cell, facts):
    """QEMU's arguments for each boot of a machine without a boot loader."""
    vmlinuz, boot = image.kernel(cell["machine"])[1], cell["boot"]
    lines = [facts["options"][entry] for entry in boot["entries"]]
    if boot["roots"]:
        lines = [re.sub(r"\broot=\S+", lambda _, root=root: root, line)
                 for line, root in zip(lines, boot["roots"])]
    if boot["slot"]:
        words = "ostree=true androidboot.slot_suffix=_" + boot["slot"]
        lines = [re.sub(r"\bostree=\S+", words, line) for line in lines]
    return [machine.direct(vmlinuz, facts["initrd"], line) for line in lines]


def qemu_commands(build, cell, accel, facts, serial=None):
    """The QEMU commands of a cell, in order. With a boot loader there is only one, and its machine
    may restart only if the cell ends with a power-off."""
    paths, alone = paths_of(build, cell), cell["machine"]["loader"] == "none"
    serial = serial or machine.kept(cell["machine"], paths["console"], paths["report"],
                                    paths["keys"] if cell["boot"]["typed"] else "")
    words = machine.command(cell["machine"], accel, paths["image"], serial,
                            not alone and cell["boot"]["end"] == "poweroff",
                            cell["disk"]["attach"])
    return [words + more for more in (without_loader(cell, facts) if alone else [[]])]


def prepare(build, cell):
    """Makes an output folder with a fresh disk in it; returns the facts about that disk."""
    paths = paths_of(build, cell)
    shutil.rmtree(paths["folder"], ignore_errors=True)
    os.makedirs(paths["folder"])
    pristine, facts = make(build, cell)
    image.scratch(pristine, paths["image"])
    return dict(facts, pristine=pristine)


def text_of(path):
    """The text of a file without carriage returns; '' if there is no such file."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as source:
        return source.read().replace("\r", "")


def actions_of(build, cell):
    """What is done to a cell's machine while it runs (see actions.py)."""
    found = []
    if cell["disk"]["attach"].isdigit():
        words = machine.device(cell["machine"], "disk")
        found.append(actions.Attach(words[-1], int(cell["disk"]["attach"])))
    if cell["boot"]["typed"]:
        found.append(actions.Typist(paths_of(build, cell)["keys"], cell["boot"]["typed"]))
    return found


def boot(build, cell, commands, scale):
    """Runs a cell's machines until one does not power off; returns the last result of
    machine.watch(), with the boots of all."""
    paths, boots = paths_of(build, cell), []
    if cell["life"]:
        return device_life.live(cell, commands[0], paths, scale)
    for words in commands:
        run = machine.watch(words, paths["console"], paths["report"],
                            cell["machine"]["loader-mark"],
                            len(cell["boot"]["entries"]) - 1 if len(commands) == 1 else 0, scale,
                            actions_of(build, cell))
        boots += run["boots"]
        if run["end"] != "poweroff":
            break
    return dict(run, boots=boots)


def states_of(cell, path, parts):
    """The states of the partitions for judge_disk(). If the root is on two partitions or is damaged
    on purpose, there are none: no checker can read it here."""
    if cell["disk"]["damage"] or cell["disk"]["devices"] != "1":
        return []
    second = "vfat" if cell["disk"]["partition"] == "fat" else "ext4"
    kinds = [cell["disk"]["filesystem"]] + [second] * (len(parts) - 1)
    return [(f"partition {part['number']}",) + filesystem.state(path, part, kind)
            for part, kind in zip(parts, kinds)]


def judge_bytes(cell, path, facts):
    """Findings about a root file system that must not change, because it is damaged or of a kind
    that is never writable."""
    kept_as_is = cell["disk"]["damage"] or cell["disk"]["filesystem"] in filesystem.FIXED
    if not kept_as_is or filesystem.same(path, facts["pristine"], facts["parts"][0]):
        return []
    return ["the root partition was written to"]


def judge_boots(cell, facts, run, found, console, scale):
    """Findings about the boots of a cell."""
    if cell["life"]:
        return (device_life.judge_runs(cell, run, console) +
                device_life.judge_reports(cell, facts["commits"], found))
    return (judge.judge_end(cell["boot"], cell["expect"], run, console, scale) +
            judge.judge_initramfs(cell, console) +
            judge.judge_reports(cell["boot"], facts["deployments"], found) +
            judge.judge_checks(cell["disk"], cell["expect"], found))


def boot_and_judge(build, cell, hosts):
    """Boots one cell; returns the parts of its outcome."""
    paths = paths_of(build, cell)
    accel, scale = hosts.measure(cell["machine"])
    facts = prepare(build, cell)
    whole = cell["disk"]["userland"] == "debian"
    with device_life.served(cell, facts) as network:
        commands = [words + network for words in qemu_commands(build, cell, accel, facts)]
        with open(paths["command"], "w", encoding="utf-8") as out:
            out.write("".join(shlex.join(words) + "\n" for words in commands))
        run = boot(build, cell, commands, scale * (debian.TIME_FACTOR if whole else 1))
    found = judge.reports(text_of(paths["report"]), cell["machine"]["report-shared"])
    console = text_of(paths["console"])
    findings = (judge_boots(cell, facts, run, found, console, scale) +
                judge.judge_check(cell["boot"], cell["expect"], facts["check"]) +
                (judge.judge_systemd(console, cell["expect"]["console"]) if whole else []) +
                judge.judge_disk(states_of(cell, paths["image"], facts["parts"])) +
                judge_bytes(cell, paths["image"], facts))
    if cell["disk"]["filesystem"] == "ext4" and not cell["disk"]["damage"]:
        findings += judge.judge_names(disk.names_in(paths["image"], facts["parts"][0], "/"),
                                      facts["top"])
    if run["end"] == "QEMU is gone":
        findings.append("QEMU printed: " + run["output"].strip())
    return {"run": run, "reports": found, "findings": findings}


def outcome(cell, start, **parts):
    """The outcome of a cell: these parts, and defaults for the others."""
    return dict({"name": cell["name"], "about": cell["scenario"]["about"],
                 "machine": cell["machine"], "run": {"boots": []}, "reports": [], "findings": [],
                 "skip": "", "seconds": time.monotonic() - start}, **parts)


def run_cell(build, cell, hosts):
    """Runs a cell; an exception in the rig is a failed cell, not a missing one."""
    start = time.monotonic()
    try:
        parts = boot_and_judge(build, cell, hosts)
    except Exception as error:  # whatever it is, the other cells still run
        words = traceback.format_exception_only(type(error), error)
        words += traceback.format_tb(error.__traceback__, -2)
        parts = {"findings": ["the rig: " + "".join(words).rstrip()]}
    paths = paths_of(build, cell)
    if parts["findings"]:
        os.makedirs(paths["folder"], exist_ok=True)
        with open(paths["findings"], "w", encoding="utf-8") as out:
            out.write("\n".join(parts["findings"]) + "\n")
    else:
        os.unlink(paths["image"])
        image.make_room(build, cell)
    return outcome(cell, start, **parts)


def skipped(cell, why):
    """The outcome of a cell that cannot run here: skipped, or failed with MUST_RUN=1."""
    if os.environ.get("MUST_RUN") == "1":
        return outcome(cell, time.monotonic(), findings=["cannot run: " + why])
    return outcome(cell, time.monotonic(), skip=why)


def interactive(options, cell):
    """Runs one cell's machine in this terminal, on the same disk as the test."""
    accel = machine.accelerator(cell["machine"], image.kernel(cell["machine"])[1])
    facts = prepare(options.build, cell)
    paths = paths_of(options.build, cell)
    serial = ["-chardev", "file,id=report,path=" + machine.in_option(
        paths["report"])] + machine.ports(cell["machine"], "mon:stdio")
    with device_life.served(cell, facts) as network:
        words = qemu_commands(options.build, cell, accel, facts, serial)[0] + network
        print(f"# {shlex.join(words)}\n# Leave with Ctrl-A, then X.", flush=True)
        if cell["disk"]["attach"].isdigit():
            print("# Attach the disk with Ctrl-A, then C, and: " + actions.attaching(
                machine.device(cell["machine"], "disk")[-1]), flush=True)
        return subprocess.run(words, check=False).returncode
