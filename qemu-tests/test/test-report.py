#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The output during a run and the reports after it: no failure may be missing, and nothing that a
guest wrote may become markup of a report."""

import argparse
import html.parser
import io
import os
import random
import re
import subprocess
import sys
import tempfile

from rig import cells
from rig.report import budget, history, html_page, markdown, progress, tap_junit, times
from rig.vm import machine
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

EVIL = "</pre></details><script>alert(1)</script> & \x1b[31mred\x1b[0m \x00 \udcff ``` | `x`"
VOID = {"meta", "br"}
# HTML allows to omit the end tags of these.
OPTIONAL = {"html", "p", "tr", "td", "th"}


def result(name, **parts):
    """The outcome of a cell."""
    return dict({"name": name, "about": "what <it> is", "machine": {"firmware": "F"}, "skip": "",
                 "findings": [], "reports": [], "seconds": 2.0, "run": {"boots": [
                     dict(zip(machine.STAGES, (0.5, 1.0, 3.0, 0.25, None)))]}}, **parts)


RESULTS = [result("m/a"), result("m/b", findings=[EVIL + "\nmore", "second"]),
           result("n/b"), result("n/c", skip="no | such package", run={"boots": []})]


class Reader(html.parser.HTMLParser):
    """Reads a page: its tags, IDs, links and text, and which elements are not closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.links, self.text, self.bad = [], [], [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for key, value in attrs if key == "id"]
        self.links += [value for key, value in attrs if key in ("href", "src")]
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in OPTIONAL and (not self.open or self.open.pop() != tag):
            self.bad.append(tag)

    def handle_data(self, data):
        self.text += data


def pages(work):
    """The HTML page has each result, and guests' text is escaped in it."""
    os.makedirs(os.path.join(work, "m/b"))
    with open(os.path.join(work, "m/b/console.log"), "wb") as out:
        out.write(b"first\n" + EVIL.encode(errors="surrogateescape") + b"\n" + b"x" * 99 +
                  b"long line\n" * 20000 + b"last\n")
    with open(os.path.join(work, "m/b/command"), "w", encoding="ascii") as out:
        out.write("qemu -append 'a <b> c'\n")
    made = html_page.page(RESULTS, tap_junit.about(9, "TCG", 2, work))
    seen = Reader(made)
    tap.check(not seen.bad and not seen.open, "all elements are closed", (seen.bad, seen.open))
    tap.check(not {"script", "link", "img", "iframe"} & {tag for tag, _ in seen.tags} and
              all(link.startswith("#") for link in seen.links) and "url(" not in made and
              "@import" not in made, "the page needs no script and no other file")
    tap.check(all(link[1:] in seen.ids for link in seen.links) and
              len(set(seen.ids)) == len(seen.ids) == len(RESULTS), "each link leads to its cell")
    tap.check("<script>alert(1)</script> & red \N{REPLACEMENT CHARACTER}" in seen.text and
              "\x1b" not in made, "a guest's output is escaped text, without colours")
    tap.check("\nfirst\n" in seen.text and "last\n" in seen.text and
              "bytes more are in console.log" in seen.text and len(made) < 150 * 1024,
              "the start and the end of a long console are in the page", len(made))
    tap.check("qemu -append 'a <b> c'" in seen.text and "There is none." in seen.text,
              "the command is in the page; a missing file is reported")
    titles = [attrs["title"] for tag, attrs in seen.tags if tag == "i"]
    tap.check(titles[:4] == ["firmware 0.5 s", "loader 1.0 s", "kernel 3.0 s", "prepare 0.2 s"] and
              len(titles) == 4 * 3 * 2, "a bar has the stages that ended", titles)
    grid = made[made.index("<tbody>"):made.index("</tbody>")]
    order = re.findall(r'<td class="(\w+)">|<tr><th[^>]*>(\w+)', grid)
    tap.check([one or two for one, two in order] == [
        "b", "FAILED", "ok", "a", "ok", "none", "c", "none", "skipped"],
              "the grid has scenarios by machines, with failures first", order)
    tap.check(made.index("<h2>Failed") < made.index("<h2>Scenarios") and
              "<b>1</b> failed" in made and "<b>2</b> passed" in made and
              "<b>1</b> skipped" in made, "the totals are right, and failures come first")
    tap.check("<h2>Failed" not in html_page.page(RESULTS[:1], tap_junit.about(9, "TCG", 2, work)),
              "without failures there is no section about them")
    seen = Reader(html_page.page(RESULTS, tap_junit.about(9, "TCG", 2, work, "a <table>\n")))
    tap.check("Power cuts" not in made and "a <table>\n" in seen.text and not seen.bad,
              "the page has the table of the power cuts, if there is one")


def tables(work):
    """The table of the power cuts is kept; a run that does not end leaves no older table."""
    os.makedirs(os.path.join(work, "crash"))
    history.keep_table(work, None)
    tap.check(history.table(work) == "", "there is no table before the first run")
    history.keep_table(work, "a table\n")
    tap.check(history.table(work) == "a table\n", "a table is kept")
    history.keep_table(work, None)
    tap.check(history.table(work) == "", "there is no table during the next run")


def summaries():
    """The Markdown has each result, and guests' text stays in code blocks."""
    made = markdown.summary(RESULTS, tap_junit.about(9, "nothing", 2, "f"))
    lines = made.splitlines()
    start = lines.index("````")
    block = lines[start + 1:lines.index("````", start + 1)]
    tap.check(lines[0] == "### Boot matrix: 2 passed, 1 failed, 1 skipped" and
              len(block) == 3 and "``` |" in block[0] and block[1:] == ["more", "second"],
              "failures come first, in fences that their text does not end", lines[:12])
    table = [line for line in lines if line.startswith("|")]
    width = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
    tap.check(len(table) == 6 and width == {9} and "`m/b`" in table[2],
              "all lines of the table have the same number of columns", table)
    many = result("m/b", findings=["\n".join(f"line {number}" for number in range(100))])
    made = markdown.summary([many], tap_junit.about(9, "TCG", 2, "f"))
    tap.check("line 19\n... 80 lines more\n" in made and "line 20\n" not in made,
              "long findings are cut, with the number of further lines")
    made = markdown.summary([many], tap_junit.about(9, "TCG", 2, "f", "a table\n"))
    tap.check(made.endswith("</details>\n\n### Power cuts\n\n```\na table\n```\n\n"),
              "the summary has the table of the power cuts, if there is one", made[-100:])


class Terminal(io.StringIO):
    """A stream that may be a terminal."""

    def __init__(self, live):
        super().__init__()
        self.live = live

    def isatty(self):
        return self.live


def told(live, environment):
    """The output about three cells, with a fake clock, and the estimates of the time left."""
    now, out = [0.0], Terminal(live)
    os.environ.pop("NO_COLOR", None)
    os.environ.update({"TERM": "xterm", **environment})
    shown = progress.Progress(["m/a", "m/b", "n/b"], {"m/a": 1.0, "m/b": 10.0, "n/b": 4.0}, 2, out,
                              lambda: now[0])
    shown.heading()
    shown.start("m/a")
    shown.start("m/b")
    first = shown.status()
    now[0] = 2.0
    shown.end(RESULTS[0])
    middle = shown.time_left()
    shown.start("n/b")
    now[0] = 6.0
    late = shown.time_left()
    shown.end(RESULTS[1])
    shown.end(RESULTS[2])
    return out.getvalue(), first, middle, late, shown.time_left()


def growing():
    """The table on the terminal, its last line and the time left are right."""
    text, first, middle, late, end = told(True, {})
    tap.check("time left not known yet: m/a m/b" in first,
              "the time left is unknown before the first cell has ended", first)
    # The first cell took twice as long as expected, so 20 and 8 s are left, of which 2 have passed.
    tap.check((middle, late, end) == (18.0, 14.0, 0.0), "the time left is right",
              (middle, late, end))
    tap.check("\x1b[32mok\x1b[0m" in text and "\x1b[1;31mFAILED\x1b[0m" in text and
              "\r\x1b[K1 of 3 done, about 20 s left: m/b" in text and
              "1 FAILED" in text, "rows are in colour, and there is a last line", text)
    lines = [line for line in text.split("\r\x1b[K") if "\n" in line]
    tap.check("\n".join(lines).count("m/a") == 1 and lines[-1].startswith("3/3 n/b"),
              "the last line never stays", lines)
    for name, live, environment in (("NO_COLOR", True, {"NO_COLOR": "1"}),
                                    ("a dumb terminal", True, {"TERM": "dumb"}),
                                    ("no terminal", False, {})):
        plain = told(live, environment)[0]
        tap.check("\x1b[32m" not in plain and "\x1b[1" not in plain and "3/3 n/b" in plain,
                  name + ": no colour", plain)
    tap.check("\x1b" not in plain and "\r" not in plain, "no terminal: no last line")
    tap.check([progress.duration(value) for value in (0, 4, 84, 100, 1000)] ==
              ["10 s", "10 s", "80 s", "2 min", "17 min"], "times are rounded")


def shards():
    """Shards have each cell once, and take about equally long."""
    rolls = random.Random(1)
    for count in (1, 2, 3, 7, 40):
        seconds = {f"m/{number}": rolls.choice((3.0, 5.0, 5.0, 60.0)) for number in range(40)}
        turned = dict(reversed(list(seconds.items())))
        parts = [times.shard(seconds, index, count) for index in range(1, count + 1)]
        again = [times.shard(turned, index, count) for index in range(1, count + 1)]
        loads = [sum(seconds[name] for name in part) for part in parts]
        tap.check(sorted(sum(parts, [])) == sorted(seconds) and parts == again,
                  f"{count} shards: each cell is in one, for any order of the cells", parts)
        tap.check(max(loads) - min(loads) <= max(seconds.values()) and
                  max(loads) <= max(sum(seconds.values()) / count * 4 / 3 + 1, 60.0),
                  f"{count} shards: about equally long", loads)
    seconds = {"m/long": 60.0, **{f"m/{number}": 5.0 for number in range(12)}}
    tap.check(times.shard(seconds, 1, 2) == ["m/long"] and len(times.shard(seconds, 2, 2)) == 12,
              "a long cell is alone in its shard")
    for text in ("0/3", "4/3", "1", "a/b", "1/0", "-1/2", "1/2/3"):
        tap.check(tap.raises(argparse.ArgumentTypeError, times.part, text),
                  f"'{text}' is not a shard")
    tap.check(times.part("2/3") == (2, 3), "2/3 is a shard")
    table = {"m/a": 4.0, "n/a": 6.0, "m/b": 30.0}
    tap.check([times.estimate(name, table) for name in ("m/a", "o/a", "n/b", "m/c", "o/d")] ==
              [4.0, 5.0, 30.0, 17.0, times.UNKNOWN],
              "an estimate is from the cell, its scenario or its machine")
    seconds = times.estimates(HERE, [cell["name"] for cell in cells.load(HERE)])
    tap.check(min(seconds.values()) > 0, "all cells have an estimate")


def room():
    """Too many seconds in tier ci, and differences between times and cells, are findings."""
    tiers = {"m/a": "ci", "m/b": "ci", "m/c": "release"}
    table = {"m/a": 3000.0, "m/b": 600.0, "m/c": 9000.0}
    tap.check(budget.left(tiers, table) == 0 and budget.findings(tiers, table) == [],
              "a cell of tier release does not count for CI")
    for name, changed, word in (("too many seconds", dict(table, **{"m/b": 601.0}), "1 more than"),
                                ("a cell without a time", {"m/a": 1.0, "m/b": 1.0}, "m/c has no"),
                                ("a time without a cell", dict(table, **{"n/a": 1.0}), "n/a")):
        found = budget.findings(tiers, changed)
        tap.check(len(found) == 1 and word in found[0], name + " is a finding", found)
    found = cells.load(HERE)
    ci = cells.load(HERE, "ci")
    tap.check({cell["name"].split("/")[0] for cell in ci} ==
              {cell["name"].split("/")[0] for cell in found}, "each machine has a cell in CI")


def memory(work):
    """The latest result of each cell is kept."""
    tap.check(history.unfinished(work) is None, "nothing is kept before the first run")
    history.begin(work, ["m/a", "m/b", "n/b", "n/c", "n/d"])
    tap.check(len(history.unfinished(work)) == 5, "cells that have not ended have not passed")
    for one in RESULTS:
        history.note(work, one)
    tap.check(history.unfinished(work) == {"m/b", "n/d"},
              "failed cells and cells that have not ended are unfinished", history.unfinished(work))
    history.begin(work, ["m/a"])
    tap.check(history.unfinished(work) == {"m/a", "m/b", "n/d"}, "a new run discards a success")
    history.note(work, result("m/a", seconds=3.04))
    tap.check(history.unfinished(work) == {"m/b", "n/d"} and history.seconds(work) == {
        "m/a": 3.0, "m/b": 2.0, "n/b": 2.0}, "a new run keeps failures of other cells",
              history.seconds(work))


def options(work):
    """The options of the command line choose the right cells."""
    def run(*words):
        done = subprocess.run([os.path.join(HERE, "run"), "--build", work, "--list", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        return done.returncode, re.sub("(?m)^#.*\n", "", done.stdout)

    listed = run()[1].splitlines()
    parts = [run("--shard", f"{index}/3")[1].splitlines() for index in (1, 2, 3)]
    tap.check(sorted(sum(parts, [])) == listed and all(parts), "the shards have all cells")
    tiers = [run("--only", tier)[1].splitlines() for tier in ("ci", "release")]
    tap.check(sorted(sum(tiers, [])) == listed and all(tiers), "the two tiers have all cells")
    tap.check(run("--rerun-failed")[0] == 1 and "nothing ran" in run("--rerun-failed")[1],
              "--rerun-failed in the first run is an error")
    history.begin(work, ["x86-direct/plain", "x86-direct/gone"])
    tap.check(run("--rerun-failed")[1].split()[0] == "x86-direct/plain" and
              len(run("--rerun-failed")[1].splitlines()) == 1,
              "--rerun-failed chooses the cells that did not pass")
    tap.check(run("--shard", "999/999")[0] == 1, "an empty shard is an error")
    tap.check(run("--shard", "0/2")[0] == 2, "a wrong shard is an error")


with tempfile.TemporaryDirectory() as scratch:
    pages(os.path.join(scratch, "page"))
    tables(os.path.join(scratch, "tables"))
    memory(os.path.join(scratch, "memory"))
    options(os.path.join(scratch, "options"))
summaries()
growing()
shards()
room()
sys.exit(tap.end())
