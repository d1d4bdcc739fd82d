# SPDX-License-Identifier: LGPL-2.1-or-later
"""`run --image`: boots a disk image that was made elsewhere, and judges its console by a file of
expectations. The image is never written to: what the guest writes is discarded."""

import contextlib
import os
import re
import select
import shlex
import shutil
import subprocess
import time

from rig import cells
from rig.disk import disk
from rig.report import judge
from rig.vm import actions, machine
from testlib.slowness import load

# Section, key and default; None means that the file must have it.
KEYS = {
    "boot": {
        "seconds": None,  # the time limit, multiplied on slow hosts like those of the matrix
        "end": "said",  # poweroff, reset, or said: QEMU is ended when all sentences have come
        "typed": "",  # lines PROMPT => TEXT: TEXT is typed when the console ends in PROMPT
        "qemu": "",  # more arguments for QEMU, for example -m 1G
    },
    "expect": {
        "console": None,  # sentences that must come in this order, one a line; * matches anything
        "never": "Kernel panic",  # sentences that must not come
    },
}
# {the first bytes of a packed file: the command that unpacks it}.
PACKED = {b"\x1f\x8b": "gzip -dk", b"\xfd7zXZ": "xz -dk", b"\x28\xb5\x2f\xfd": "zstd -dk",
          b"BZh": "bzip2 -dk", b"PK\x03\x04": "unzip"}
ENDS = ("said", "poweroff", "reset")


def expectations(path):
    """A file of expectations, with its lists split and its values checked."""
    found = cells.read(path, KEYS)
    boot, expect = found["boot"], found["expect"]
    if not re.fullmatch("[1-9][0-9]*", boot["seconds"]):
        raise ValueError(f"{path}: seconds = {boot['seconds']} is not a number of seconds")
    if boot["end"] not in ENDS:
        raise ValueError(f"{path}: end = {boot['end']} is not one of {', '.join(ENDS)}")
    for key in ("console", "never"):
        expect[key] = cells.lines(expect[key])
    if not expect["console"]:
        raise ValueError(f"{path}: [expect] console needs a sentence, or any boot would do")
    pairs = [line.partition("=>") for line in cells.lines(boot["typed"])]
    if not all(prompt.strip() and arrow for prompt, arrow, _ in pairs):
        raise ValueError(f"{path}: a line of typed = is PROMPT => TEXT")
    return dict(boot, **expect, seconds=int(boot["seconds"]), qemu=shlex.split(boot["qemu"]),
                typed=[(prompt.strip(), text.strip()) for prompt, _, text in pairs])


def kind_of(path):
    """QEMU's name for the image's format; a packed file is an error."""
    with open(path, "rb") as source:
        start = source.read(8)
    for magic, command in PACKED.items():
        if start.startswith(magic):
            raise ValueError(f"{path} is packed: unpack it, for example with {command}")
    return "qcow2" if start.startswith(b"QFI\xfb") else "raw"


def command(kind, accel, image, serial, more):
    """The QEMU command for the image on a machine."""
    if kind["loader"] == "none":
        raise ValueError("this machine has no boot loader: choose one that has")
    form = "format=" + kind_of(image)
    words = [word.replace("format=raw", form) if machine.in_option(image) in word else word
             for word in machine.command(kind, accel, image, serial, restarts=False)]
    return words + ["-snapshot"] + more


def in_order(console, sentences):
    """How many of the sentences, counted from the first, are on the console in this order."""
    at = 0
    for number, sentence in enumerate(sentences):
        pattern = r"[^\n]*".join(re.escape(part) for part in sentence.split("*"))
        found = re.compile(pattern).search(console, at)
        if not found:
            return number
        at = found.end()
    return len(sentences)


class Answerer(actions.Typist):
    """Types each line after its own prompt."""

    def __init__(self, path, pairs):
        super().__init__(path, [text for _, text in pairs])
        self.prompts = [re.compile(re.escape(prompt.encode()) + rb"\s*(\x1b\[6n)?$")
                        for prompt, _ in pairs]

    def look(self, console, stage):
        """Types the next line if the console ends in its prompt."""
        if self.typed:
            self.prompt = self.prompts[-len(self.typed)]
        super().look(console, stage)


def read(path):
    """The machine's output in a console file, without terminal control sequences."""
    with open(path, "rb") as source:
        text = source.read().decode(errors="replace").partition("\n")[2]
    return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>78])|\r", "", text)


def ended(lines):
    """How the machine ended, by QEMU's events in these lines; None while it runs."""
    for event, reason in machine.events_of(machine.messages_of(lines)):
        if event == "SHUTDOWN":
            return {"guest-shutdown": "poweroff", "guest-reset": "reset"}.get(reason, reason)
    return None


def step(process, state, expect):
    """Listens to QEMU for a moment, and types; returns how the machine ended, or None."""
    new, end = b"", None
    if select.select([process.stdout], [], [], 0.1)[0]:
        new = os.read(process.stdout.fileno(), 65536)
        if not new:
            if machine.unsaid(process, state["console"]):
                return "poweroff"
            return "QEMU is gone: " + state["log"].decode(errors="replace")[-500:].strip()
    state["log"] += new
    lines, _, state["rest"] = (state["rest"] + new).rpartition(b"\n")
    end = ended(lines.splitlines())
    console = read(state["console"])
    state["answerer"].look(console.encode(), None)
    if expect["end"] == "said" and not state["answerer"].typed and in_order(
            console, expect["console"]) == len(expect["console"]):
        end = end or "said"
    if disk.stop.is_set():
        return "stopped"
    seconds = expect["seconds"] * max(state["scale"], load())
    return end or ("none in time" if time.monotonic() - state["since"] > seconds else None)


def watch(words, paths, expect, scale):
    """Runs the machine to its end; returns (how it ended: poweroff, reset, said or what went wrong,
    the lines that were not typed)."""
    answerer = Answerer(paths["keys"], expect["typed"])
    state = {"log": b"", "rest": b"", "console": paths["console"], "answerer": answerer,
             "since": time.monotonic(), "scale": scale}
    with open(paths["console"], "w", encoding="utf-8") as out:
        out.write(machine.head(words))
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, bufsize=0) as process:
        try:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(b'{"execute":"qmp_capabilities"}\n')
            end = None
            while not end:
                end = step(process, state, expect)
        finally:
            process.kill()
    return end, answerer.typed


def judged(expect, console, end, untyped):
    """Findings about a boot that has ended, from its complete console."""
    seen = in_order(console, expect["console"])
    findings = [] if end == expect["end"] else [
        f"the machine's end: {end}, expected {expect['end']}"]
    if untyped:
        findings.append(f"no prompt came to type '{untyped[0]}' at")
    if seen < len(expect["console"]):
        findings.append("the console lacks '%s'%s" % (
            expect["console"][seen],
            " after '%s'" % expect["console"][seen - 1] if seen else ""))
    return findings + ["the console has: " + judge.has(console, sentence)
                       for sentence in expect["never"] if judge.has(console, sentence)]


def outcome(build, name, kind, path, image, measured):
    """Boots the image; returns an outcome like a cell's. The console and the command are kept in
    the build folder. `measured` is (accelerator, scale of the time limits)."""
    start, expect = time.monotonic(), expectations(path)
    label = f"{name}/{os.path.splitext(os.path.basename(path))[0]}"
    folder = os.path.join(build, "qemu/theirs", label)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    paths = {"console": os.path.join(folder, "console.log"), "keys": os.path.join(folder, "keys")}
    serial = machine.kept(kind, paths["console"], os.path.join(folder, "report"),
                          paths["keys"] if expect["typed"] else "")
    words = command(kind, measured[0], image, serial, expect["qemu"])
    with open(os.path.join(folder, "command"), "w", encoding="utf-8") as out:
        out.write(shlex.join(words) + "\n")
    end, untyped = watch(words, paths, expect, measured[1])
    return {"name": label, "about": f"{image}, judged by {path}", "machine": kind,
            "run": {"boots": []}, "reports": [], "skip": "",
            "findings": judged(expect, read(paths["console"]), end, untyped),
            "seconds": time.monotonic() - start}
