# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts QEMU and watches it: the console, the report, and QEMU's events.

Whether the guest powered off or restarted is decided by QEMU's events (QMP on standard output).
Text on the console would not do: any program can print it. """

import contextlib
import json
import os
import re
import select
import shlex
import subprocess
import time

from rig.disk import disk
from rig.host import arch, firmware, kernels
from testlib.slowness import limit, load

STAGES = ("firmware", "loader", "kernel", "prepare", "probe")
# Seconds for each stage on a host that does the calibration boot in CALIBRATED seconds or less.
# They only have to distinguish a dead guest from a slow one. GRUB waits three times ten seconds
# before it restarts a machine whose menus are all torn.
LIMITS = {"firmware": 20, "loader": 60, "kernel": 40, "prepare": 60, "probe": 60}
CALIBRATED = 3.0
KERNEL_MARK = b"Linux version "
INIT_MARK = b" as init process"
HALTED = b"reboot: System halted"
OFF = b"reboot: Power down"
# The seconds for which a halted machine must do nothing more.
HALT_WATCH = 2.0


def in_option(path):
    """A path as a part of QEMU's comma-separated options."""
    return path.replace(",", ",,")


def qemu(machine, accel):
    """The QEMU command for the bare machine."""
    return machine["qemu"].split() + ["-accel", accel, "-nodefaults", "-no-user-config", "-display",
                                      "none"]


def device(machine, drive, port=""):
    """QEMU's arguments for the machine's disk and its bus, with a drive."""
    *others, last = machine["disk-device"].split()
    words = [word for name in others for word in ("-device", name)]
    return words + ["-device", f"{last.replace('rootstock', drive)},drive={drive}{port}"]


def command(machine, accel, image, serial, restarts, attach="start"):
    """The exact QEMU command for a machine; `serial` are the arguments for its serial ports.

    `attach` says how the disk is there: from the start; "twice", with a temporary copy of it as a
    second disk; "protected" against writes; or, if it is a number, not yet, but with a free port.
    """
    words = qemu(machine, accel) + firmware.words(machine)
    drive = f"file={in_option(image)},format=raw,if=none,cache=unsafe,id="
    words += ["-drive", drive + "disk" + {"twice": ",file.locking=off",
                                          "protected": ",readonly=on"}.get(attach, "")]
    if attach.isdigit():
        words += ["-device", "pcie-root-port,id=late,chassis=1"]
    else:
        words += device(machine, "disk")
    if attach == "twice":
        words += ["-drive", drive + "twin,snapshot=on,file.locking=off"] + device(machine, "twin")
    words += serial
    return words + ([] if restarts else ["-no-reboot"])


def direct(vmlinuz, initrd, options):
    """QEMU's arguments that boot a kernel without a boot loader.

    The options are those of a tree without initramfs. With one, libostree would not write its init=
    into them, so it is removed.
    """
    words = ["-kernel", vmlinuz]
    if initrd:
        words += ["-initrd", initrd]
        options = re.sub(r" init=/ostree/\S+/ostree-prepare-root\b", "", options)
    return words + ["-append", options]


def ports(machine, console):
    """QEMU's arguments for the console and for the port through which the guest reports."""
    report = (["-device", machine["report-device"] + ",chardev=report"] if machine["report-device"]
              else ["-serial", "chardev:report"])
    serial = ["-serial", console]
    return report + serial if machine["report-first"] == "yes" else serial + report


def kept(machine, console, report, keys=""):
    """QEMU's arguments for watch(): console and report go to files, QMP to standard output. What
    comes through the socket `keys` is typed on the console."""
    back = f"file,id=console,path={in_option(console)},append=on"
    if keys:
        back = (f"socket,id=console,path={in_option(keys)},server=on,wait=off,"
                f"logfile={in_option(console)},logappend=on")
    return ["-chardev", back, "-chardev", f"file,id=report,path={in_option(report)},append=on",
            *ports(machine, "chardev:console"), "-qmp", "stdio"]


def kernel_only(machine, accel, vmlinuz, seconds):
    """Boots a bare kernel, which panics because it has no root; returns (seconds, console)."""
    words = qemu(machine, accel) + ["-chardev", "null,id=report"] + ports(machine, "stdio")
    if machine["board-dtb"]:
        words += ["-dtb", kernels.board_dtb(machine)]
    words += [
        "-no-reboot", "-kernel", vmlinuz, "-append",
        f"console={machine['console']} panic=-1 root=/dev/nowhere"]
    start = time.monotonic()
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, timeout=seconds, check=False)
        log = done.stdout
    except subprocess.TimeoutExpired as error:
        log = error.stdout or b""
    return time.monotonic() - start, log


def accelerator(machine, vmlinuz):
    """"kvm" if a complete boot with it works, else "tcg". It is not enough that /dev/kvm opens."""
    if machine["arch"] == arch.HOST and os.access("/dev/kvm", os.R_OK | os.W_OK):
        if b"Kernel panic" in kernel_only(machine, "kvm", vmlinuz, limit(3))[1]:
            return "kvm"
    return "tcg"


def calibrate(machine, accel, vmlinuz):
    """How much slower than usual this host is, at least 1: the scale of the time limits."""
    seconds, log = kernel_only(machine, accel, vmlinuz, limit(120))
    if b"Kernel panic" not in log:
        raise RuntimeError(f"QEMU does not boot a bare kernel: {log[-300:]}")
    return max(1.0, seconds / CALIBRATED)


def limits(accel, scale):
    """The time limits, as a line to print."""
    return "%s; time limits, times %.1f: %s" % (
        accel.upper(), scale, ", ".join("%s %.0f s" % (stage, seconds * scale)
                                        for stage, seconds in LIMITS.items()))


def stage_of(console, reported, mark):
    """The stage that the last boot on a console has reached, as an index into STAGES.

    `mark` is the first text of the boot loader.
    """
    if reported:
        return STAGES.index("probe")
    current = console[console.rfind(mark):]
    for name, sign in (("prepare", INIT_MARK), ("kernel", KERNEL_MARK)):
        if sign in current:
            return STAGES.index(name)
    return STAGES.index("loader")


def messages_of(lines):
    """The QMP messages in these lines."""
    for line in lines:
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def events_of(messages):
    """[(event, reason)] of the shutdowns and resets that the guest, not the host, has caused."""
    found = []
    for message in messages:
        if message.get("event") in ("SHUTDOWN", "RESET") and message["data"]["guest"]:
            found.append((message["event"], message["data"]["reason"]))
    return found


def unsaid(process, console):
    """The events that QEMU did not report before it ended. In 7.2 the power switch of the riscv
    board ends QEMU without an event; then its status is 0, and the console ends with the kernel's
    line."""
    with open(console, "rb") as source:
        off = source.read().rstrip().endswith(OFF)
    return [("SHUTDOWN", "guest-shutdown")] if process.wait() == 0 and off else []


def size(path):
    """The size of a file; 0 if it does not exist yet."""
    return os.stat(path).st_size if os.path.exists(path) else 0


def head(words):
    """The first line of every console file: the command that shows it again."""
    return f"# {shlex.join(words)}\n"


def enter_stage(state, stage):
    """Notes the duration of the stage that ends, and starts the clock of the next one."""
    now = time.monotonic()
    if state["boots"]:
        state["boots"][-1][STAGES[state["stage"]]] = now - state["since"]
    state.update(stage=stage, since=now)


def reset(state):
    """Goes back to the stage firmware. SeaBIOS resets the machine a second time; that is
    ignored."""
    if state["stage"]:
        enter_stage(state, 0)
        state["reported"] = size(state["report"])


def ended(state, new):
    """How the machine ended, by QEMU's new events; None while it runs."""
    for event, reason in new:
        if event == "SHUTDOWN":
            enter_stage(state, 0)
            return {"guest-shutdown": "poweroff", "guest-reset": "reset"}.get(reason, reason)
        reset(state)
    return None


def progress(state):
    """Moves a boot through its stages; returns an end if a stage takes too long or the machine has
    halted."""
    with open(state["console"], "rb") as source:
        source.seek(state["start"])
        console = source.read()
    if console.count(state["mark"]) > len(state["boots"]):
        took = time.monotonic() - state["since"]
        state["boots"].append(dict.fromkeys(STAGES, None))
        if len(state["boots"]) > state["restarts"] + 1:
            return "an extra restart"
        enter_stage(state, STAGES.index("loader"))
        state["boots"][-1]["firmware"] = took
    if state["stage"]:
        stage = stage_of(console, size(state["report"]) > state["reported"], state["mark"])
        if stage > state["stage"]:
            enter_stage(state, stage)
    for hand in state["hands"]:
        end = hand.look(console, STAGES[state["stage"]])
        if end:
            return end
    if HALTED in console:
        state["halted"] = state["halted"] or time.monotonic()
        stands = time.monotonic() - state["halted"] > HALT_WATCH * state["scale"]
        return "halt" if stands else None
    seconds = LIMITS[STAGES[state["stage"]]] * max(state["scale"], load())
    if time.monotonic() - state["since"] > seconds:
        return f"no end of stage {STAGES[state['stage']]}"
    return None


def follow(process, state):
    """Watches a machine until it ends; returns (how it ended, QEMU's output)."""
    log, rest, end = b"", b"", None
    # QEMU reports events only after this command. If QEMU has ended already, its output ends too.
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b'{"execute":"qmp_capabilities"}\n')
    for hand in state["hands"]:
        hand.start(process.stdin)
    while end is None:
        new, gone = b"", False
        if select.select([process.stdout], [], [], 0.02)[0]:
            new = os.read(process.stdout.fileno(), 65536)
            gone = not new
        log += new
        lines, _, rest = (rest + new).rpartition(b"\n")
        messages = list(messages_of(lines.splitlines()))
        for hand in state["hands"]:
            for message in messages:
                hand.hear(message)
        events = events_of(messages) or (unsaid(process, state["console"]) if gone else [])
        end = ended(state, events) or progress(state)
        end = end or ("QEMU is gone" if gone else "stopped" if disk.stop.is_set() else None)
    return end, log.decode(errors="replace")


def watch(words, console, report, mark, restarts, scale, hands=()):
    """Runs a machine to its end; returns {"end", "boots": [{stage: seconds}], "output": QEMU's}.

    `restarts` restarts are expected. The command and the console are appended to the file
    `console`. The `hands` are actions on the machine: see actions.py. """
    with open(console, "a", encoding="utf-8") as out:
        out.write(head(words))
    state = {"console": console, "report": report, "mark": mark.encode(), "restarts": restarts,
             "scale": scale, "boots": [], "halted": None, "reported": size(report),
             "start": size(console), "stage": 0, "since": time.monotonic(), "hands": hands}
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as process:
        try:
            end, output = follow(process, state)
        finally:
            process.kill()
    return {"end": end, "boots": state["boots"], "output": output}
