#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`run --image`: files of expectations are checked, consoles are judged, and a complete run works
with a program that plays QEMU."""

import hashlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

from rig import cells
from rig.vm import external_image
from testlib.slowness import limit
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

FILE = """[boot]
seconds = 20
end = poweroff
typed =
    login: => root
    ~# => poweroff now
[expect]
console =
    GRUB
    Linux * 6
    Welcome
"""

# The defaults of a machine file.
BARE = {key: value for key, value in cells.MACHINE.items() if value is not None}


def files(work):
    """Files of expectations are read, and wrong ones are errors."""
    found = external_image.expectations(tap.write_text(work, "a.ini", FILE))
    tap.check(found["console"] == ["GRUB", "Linux * 6", "Welcome"] and found["seconds"] == 20 and
              found["typed"] == [("login:", "root"), ("~#", "poweroff now")] and
              found["never"] == ["Kernel panic"], "a file has its lists and the defaults", found)
    tap.check(external_image.expectations(os.path.join(HERE, "expect-example.ini")),
              "the example is read")
    for name, word, old, new in (
            ("no sentence", "needs a sentence", FILE[FILE.index("    GRUB"):], ""),
            ("an unknown key", "nevr", "[expect]", "[expect]\nnevr = x"),
            ("an unknown end", "explode", "poweroff\n", "explode\n"),
            ("no time limit", "seconds", "seconds = 20\n", ""),
            ("a time limit of 0", "seconds", "= 20", "= 0"),
            ("a typed line without a prompt", "PROMPT", "login: =>", "=>"),
            ("a typed line without an arrow", "PROMPT", "login: => root", "root"),
            ):
        error = tap.raises(ValueError, external_image.expectations,
                           tap.write_text(work, "a.ini", FILE.replace(old, new, 1)))
        tap.check(error and word in error and "a.ini" in error, name + " is an error", error)


def formats(work):
    """The format of an image is detected, and QEMU's command has it."""
    for name, start, kind in (("raw", b"\0" * 64, "raw"), ("qcow2", b"QFI\xfb" + b"\0" * 60,
                                                           "qcow2"), ("empty", b"", "raw")):
        with open(os.path.join(work, name), "wb") as out:
            out.write(start)
        tap.check(external_image.kind_of(os.path.join(work, name)) == kind, f"{name} is {kind}")
    with open(os.path.join(work, "gz"), "wb") as out:
        out.write(b"\x1f\x8b\x08 and so on")
    error = tap.raises(ValueError, external_image.kind_of, os.path.join(work, "gz"))
    tap.check(error and "gzip -dk" in error, "a packed image is an error", error)
    kind = {**BARE, "qemu": "q", "disk-device": "d", "loader": "grub"}
    words = external_image.command(kind, "tcg", os.path.join(work, "qcow2"), [], ["-m", "1G"])
    tap.check("-snapshot" in words and words[-2:] == ["-m", "1G"] and
              any("format=qcow2" in word for word in words) and
              not any("format=raw" in word for word in words),
              "the command has the format and -snapshot", words)
    tap.check(tap.raises(ValueError, external_image.command, dict(kind, loader="none"), "tcg",
                         os.path.join(work, "raw"), [], []), "no boot loader is an error")


def judged():
    """Sentences must come in order, and the machine must end as expected."""
    expect = {"console": ["one", "t*o", "three"], "never": ["panic"], "end": "said"}
    for name, good, console, end, untyped in (
            ("all in order", True, "one\ntwo\nthree\n", "said", []),
            ("in one line", True, "one two three", "said", []),
            ("out of order", False, "two\none\nthree\n", "said", []),
            ("a sentence is missing", False, "one\ntwo\n", "said", []),
            ("an empty console", False, "", "said", []),
            ("a sentence across two lines", False, "one\nt\no\nthree\n", "said", []),
            ("a sentence that must not come", False, "one\ntwo\nthree\npanic\n", "said", []),
            ("another end", False, "one\ntwo\nthree\n", "poweroff", []),
            ("no end within the time limit", False, "one\ntwo\nthree\n", "none in time", []),
            ("a line was not typed", False, "one\ntwo\nthree\n", "said", ["x"]),
            ):
        found = external_image.judged(expect, console, end, untyped)
        tap.check(bool(found) != good, name, found)


def play(mode, words):
    """Plays QEMU: boots to a login and ends, with the fault `mode`."""
    console = next(re.search(r"(?:path|logfile)=([^,]*)", word).group(1)
                   for word in words if "id=console" in word and (
                       "logfile" in word or word.startswith("file")))
    keys = next((re.search(r"path=([^,]*)", word).group(1) for word in words
                 if word.startswith("socket,id=console")), None)
    console = next((re.search(r"logfile=([^,]*)", word).group(1) for word in words
                    if "logfile=" in word), console)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(keys)
    listening.listen()

    def say(text):
        with open(console, "a", encoding="utf-8") as out:
            out.write(text)

    def hear(text):
        return connection.recv(100).decode() == text or sys.exit("heard something else")

    if mode == "gone":
        return print("no such device")
    say("GRUB\r\n[ 0.0] Linux version 6\r\n\x1b[1mWel\x1b[0mcome\r\n" +
        ("Kernel panic\r\n" if mode == "panic" else ""))
    if mode == "silent":
        time.sleep(600)
    say("host login: ")
    connection = listening.accept()[0]
    hear("root\r")
    say("root\r\nroot@host:~# ")
    hear("poweroff now\r")
    if mode == "switch":
        return say("[ 9.0] reboot: Power down\r\n")
    event = "guest-reset" if mode == "reset" else "guest-shutdown"
    print('{"event": "SHUTDOWN", "data": {"guest": true, "reason": "%s"}}' % event, flush=True)
    return time.sleep(60)


def whole(work):
    """A complete run has the right findings, with a program that plays QEMU."""
    path = tap.write_text(work, "their.img", "\0" * 4096)
    before = hashlib.sha256(b"\0" * 4096).hexdigest()
    for mode, said in (("good", ""), ("switch", ""), ("reset", "the machine's end: reset"),
                       ("panic", "the console has: Kernel panic"),
                       ("gone", "QEMU is gone: no such device"),
                       ("command", "the console lacks 'theirs'"),
                       ("silent", "the machine's end: none in time")):
        kind = {"qemu": f"{sys.executable} {__file__} play {mode}", "disk-device": "d",
                "loader": "grub", "firmware": "F", **BARE}
        expect = FILE.replace("= 20", "= 1") if mode == "silent" else FILE
        if mode == "command":
            expect = expect.replace("GRUB", "theirs")
        found = external_image.outcome(work, "m", kind, tap.write_text(work, "my.ini", expect), path,
                               ("tcg", limit(1)))
        tap.check(bool(found["findings"]) == bool(said) and said in "\n".join(found["findings"]),
                  f"the findings about the machine '{mode}'", found["findings"])
        if mode == "good":
            with open(os.path.join(work, "qemu/theirs/m/my/console.log"),
                      encoding="utf-8") as source:
                tap.check(source.readline().startswith("# " + sys.executable) and
                          found["name"] == "m/my", "console and command are kept")
    with open(path, "rb") as source:
        tap.check(hashlib.sha256(source.read()).hexdigest() == before, "the image is unchanged")


def refused(work):
    """Options that do not go together are errors."""
    path, expect = tap.write_text(work, "i", "x"), tap.write_text(work, "e", FILE)
    for words, said in ((("--machine", "x86-bios-grub"), "needs --machine and --expect"),
                        (("--machine", "no-such", "--expect", expect), "no machine no-such")):
        done = subprocess.run([os.path.join(HERE, "run"), "--build", work, "--image", path, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        tap.check(done.returncode == 1 and said in done.stdout, said, done.stdout)


if sys.argv[1:2] == ["play"]:
    sys.exit(play(sys.argv[2], sys.argv[3:]))
with tempfile.TemporaryDirectory() as scratch:
    files(scratch)
    formats(scratch)
    whole(scratch)
    refused(scratch)
judged()
sys.exit(tap.end())
