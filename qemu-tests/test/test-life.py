#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The life of a device: its scenarios are checked, its judge finds each fault, its server fails and
its machine is killed at the right time."""

import http.client
import os
import sys
import tempfile
import urllib.error
import urllib.request

from rig import cells
from rig.report import judge
from rig.vm import actions, device_life, server
from testlib.slowness import limit
from testlib import tap

SCENARIO = "[scenario]\nabout = x\n"
FIRST = "[boot 1]\nversion = A\nsteps =\n    booted A\n    deploy B\n"
LAST = "[boot 2]\nversion = B\nend = poweroff\nsteps =\n    booted B\n"
REPORT = """TAP version 13
# deployment aaa.0
ok 1 - booted A
ok 2 - deploy B
1..2
TAP version 13
# deployment bbb.0
ok 1 - booted B
1..1
"""
COMMITS = {"A": "aaa", "B": "bbb"}


def scenario(work, text):
    """A scenario from its text."""
    path = os.path.join(work, "a.ini")
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return cells.scenario(path)


def scenarios(work):
    """The sections of a life are read, and wrong ones are errors."""
    found = scenario(work, SCENARIO + FIRST + LAST)
    tap.check([boot["end"] for boot in found["life"]] == ["reboot", "poweroff"] and
              found["life"][0]["steps"] == ["booted A", "deploy B"] and
              found["disk"]["versions"] == ["A"], "the boots are read in order", found)
    tap.check(scenario(work, SCENARIO)["life"] == [], "a scenario without boots is not a life")
    for name, word, text in (
            ("a missing number of a boot", "boot 3", LAST.replace("boot 2", "boot 3")),
            ("a life without a power-off at its end", "poweroff",
             LAST.replace("poweroff", "reboot")),
            ("an unknown end", "explode", LAST.replace("poweroff", "explode")),
            ("a kill after a restart", "rehearsal", LAST.replace("poweroff", "kill:1")),
            ("an unknown key", "step", LAST.replace("steps", "step")),
            ("a boot without a version", "version", LAST.replace("version = B\n", ""))):
        error = tap.raises(ValueError, scenario, work, SCENARIO + FIRST + text)
        tap.check(error and word in error, name + " is an error", error)
    return found


def findings(found, text):
    """The judge's findings in the guest's reports."""
    return device_life.judge_reports(found, COMMITS, judge.reports(text))


def judged(found):
    """Missing, failed and additional steps and boots are findings."""
    tap.check(findings(found, REPORT) == [], "a correct life has no finding",
              findings(found, REPORT))
    for name, old, new in (
            ("a failed step", "ok 2 - deploy B", "not ok 2 - deploy B"),
            ("a missing step", "ok 2 - deploy B\n1..2", "1..1"),
            ("another step", "deploy B", "deploy C"),
            ("a boot of another version", "bbb", "aaa"),
            ("a boot without a deployment", "# deployment bbb.0\n", ""),
            ("a report without a plan", "1..2\n", ""),
            ("a missing boot", REPORT[REPORT.index("1..2\n") + 5:], "")):
        tap.check(findings(found, REPORT.replace(old, new)), name + " is found")
    killed = dict(found, life=[dict(found["life"][0], end="kill:1"), found["life"][1]])
    short = REPORT.replace("ok 2 - deploy B\n1..2\n", "")
    tap.check(findings(killed, short) == [], "a boot killed in its last step has no finding", short)
    for name, text in (("is not killed", REPORT), ("is killed too early", short.replace(
            "ok 1 - booted A\n", "")), ("is killed too late", REPORT.replace("1..2\n", ""))):
        tap.check(findings(killed, text), f"a boot that {name} is found")


def get(running, path):
    """(status, number of bytes) of a server's answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{running.server_port}/{path}",
                                    timeout=limit(10)) as answer:
            return answer.status, len(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, 0
    except http.client.IncompleteRead as error:
        return "cut", len(error.partial)
    except (OSError, http.client.HTTPException):
        return "gone", 0


def served(work):
    """The server goes down at the byte that it was told, and counts what was fetched again."""
    for number in range(server.IN_FLIGHT * 3):
        with open(os.path.join(work, f"{number}.filez"), "wb") as out:
            out.write(bytes(10000))
    running = server.Server(work)
    half = server.IN_FLIGHT * 3 // 2
    tap.check(get(running, "-/up")[0] == 409 and get(running, "-/resumed")[0] == 409,
              "a server that is not down refuses to come up")
    tap.check(get(running, "no-such-file")[0] == 404 and get(running, "../x")[0] == 404 and
              get(running, f"-/cut/{half * 10000 + 5000}")[0] == 200,
              "it serves only files below its folder, and obeys")
    seen = [get(running, f"{number}.filez") for number in range(half + 2)]
    tap.check(seen == [(200, 10000)] * half + [("cut", 4096), ("gone", 0)],
              "it goes down in the middle of a file", seen)
    tap.check(get(running, "-/up")[0] == 200 and get(running, "-/resumed")[0] == 409,
              "a client that fetches nothing more has not resumed")
    for number in range(half, half * 2):
        get(running, f"{number}.filez")
    tap.check(get(running, "-/resumed")[0] == 200, "a client that fetches the rest has resumed")
    for number in range(server.IN_FLIGHT + 1):
        get(running, f"{number}.filez")
    tap.check(get(running, "-/resumed")[0] == 409,
              "a client that fetches everything again has not resumed")
    running.close()
    tap.check(get(running, "1.filez")[0] == "gone", "a closed server does not answer")


class Pipe:
    """Keeps the commands to QEMU."""

    def __init__(self):
        self.told = []

    def write(self, line):
        """Keeps a line."""
        self.told.append(line)


def killed(work):
    """A machine is killed after its fraction of the rehearsal's writes, not before."""
    path, pipe = os.path.join(work, "report"), Pipe()
    killer = actions.Killer(path, 4, 1)
    killer.start(pipe)
    ends = []
    for steps, writes in ((0, 0), (1, 100), (2, 300), (3, 400), (3, 401), (3, 599)):
        with open(path, "w", encoding="ascii") as out:
            out.write("TAP version 13\n" + "ok 1 - x\n" * steps)
        killer.since = 0
        ends.append(killer.look())
        killer.hear({"return": {}})
        if killer.asked is not None:
            killer.hear({"return": [{"stats": {"wr_operations": writes}}]})
    killer.since = 0
    tap.check(ends == [None] * 6 and killer.look() == "killed" and
              sum(b"throttle" in line for line in pipe.told) == 1,
              "the machine is killed in the middle of its last step", (ends, pipe.told))


with tempfile.TemporaryDirectory() as folder:
    judged(scenarios(folder))
    served(folder)
    killed(folder)
sys.exit(tap.end())
