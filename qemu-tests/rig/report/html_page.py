# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run as a single page of HTML, without scripts and other files: first what failed, then a table
of scenarios by machines, then each cell with its times, findings, command and console."""

import html
import os
import re

from rig.report import tap_junit
from rig.vm import machine

# The KiB of the start and of the end of each console that are in the page; more if the cell failed.
HEAD, TAIL, TAIL_FAILED = 4, 12, 60
STYLE = os.path.join(os.path.dirname(__file__), "html_page.css")
# The names of the stages in the page. The last stage is the tree's own init, here the probe.
STAGES = dict(zip(machine.STAGES, machine.STAGES), probe="init")
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%(title)s</title>
<style>
%(style)s</style>
<h1>Boot matrix</h1>
<p class="totals">%(totals)s</p>
<p class="quiet">%(line)s</p>
%(failed)s<h2>Scenarios by machines</h2>
<p class="legend">%(legend)s</p>
<div class="wide"><table>
<thead><tr><th>%(machines)s</thead>
<tbody>
%(rows)s
</tbody></table></div>
%(cuts)s<h2>Cells</h2>
%(cells)s
</html>
"""


def text(words):
    """Text for a page, escaped. Of its control characters only line feeds and tabs are kept."""
    words = re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[A-Z78=>])", "", words)
    return html.escape(re.sub(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\uffff\U00010000-\U0010ffff]",
                              "\N{REPLACEMENT CHARACTER}", words.replace("\r", "")))


def excerpt(path, tail):
    """The start and the end of a file that may be long or missing."""
    if not os.path.exists(path):
        return "There is none."
    with open(path, "rb") as source:
        data = source.read()
    left = len(data) - HEAD * 1024 - tail * 1024
    if left > 0:
        data = data[:HEAD * 1024] + b"\n\n[... %d bytes more are in %s ...]\n\n" % (
            left, os.path.basename(path).encode()) + data[-tail * 1024:]
    return data.decode(errors="replace")


def anchor(name):
    """The ID in the page for a cell's name."""
    return name.replace("/", ".")


def stages(result):
    """[(stage, seconds)] over all boots of a cell, for the stages that ended."""
    found = [(stage, tap_junit.total(result["run"], stage)) for stage in machine.STAGES]
    return [(stage, seconds) for stage, seconds in found if seconds]


def bar(result):
    """A bar with the stages of a cell, as wide as they took long."""
    return '<span class="bar">%s</span>' % "".join(
        '<i class="%s" style="flex-grow:%.2f" title="%s %s"></i>' % (
            stage, seconds, STAGES[stage], tap_junit.seconds(seconds))
        for stage, seconds in stages(result))


def square(result):
    """A cell's field in the grid."""
    word = tap_junit.word(result)
    shown = tap_junit.seconds(result["seconds"]) if word == "ok" else word
    return '<td class="%s"><a href="#%s" title="%s"><b>%s</b>%s</a>' % (
        word, anchor(result["name"]), text(result["name"]), shown, bar(result))


def row(scenario, machines, found):
    """A scenario's row in the grid."""
    about = next(result["about"] for (_, name), result in found.items() if name == scenario)
    return '<tr><th title="%s">%s%s' % (text(about), text(scenario), "".join(
        square(found[kind, scenario]) if (kind, scenario) in found else '<td class="none">'
        for kind in machines))


def grid(results):
    """(heads of the columns, rows) of the grid; scenarios that failed anywhere come first."""
    found = {tuple(result["name"].split("/")): result for result in results}
    machines = sorted({kind for kind, _ in found})
    failed = {name for (_, name), result in found.items() if result["findings"]}
    scenarios = sorted({name for _, name in found}, key=lambda name: (name not in failed, name))
    return "".join("<th>" + text(kind) for kind in machines), "\n".join(
        row(scenario, machines, found) for scenario in scenarios)


def findings(result):
    """The findings of a cell, one below the other."""
    return "".join(f'<pre class="finding">{text(finding)}</pre>\n'
                   for finding in result["findings"])


def failures(results):
    """The section on what failed; '' if nothing has."""
    failed = [result for result in results if result["findings"]]
    if not failed:
        return ""
    return "<h2>Failed</h2>\n" + "".join('<h3><a href="#%s">%s</a> <small>%s</small></h3>\n%s' % (
        anchor(result["name"]), text(result["name"]), text(result["about"]), findings(result))
        for result in failed)


def details(result, folder):
    """Everything about a cell, folded. The ID is on the inside: a link to it unfolds the cell."""
    place = os.path.join(folder, result["name"])
    word = tap_junit.word(result)
    times = " ".join(f'<span class="{stage}"></span> {STAGES[stage]} {tap_junit.seconds(seconds)}'
                     for stage, seconds in stages(result))
    return """<details><summary class="%s"><b>%s</b> %s <small>%s</small></summary>
<div id="%s" class="cell">
<p class="quiet">%s</p>
<p class="legend">%s</p>
%s%s<h4>Command</h4>
<pre>%s</pre>
<h4>Console</h4>
<pre class="console">%s</pre>
</div></details>""" % (
        word, word, text(result["name"]), text(result["about"]), anchor(result["name"]),
        text(" · ".join("%s: %s" % pair for pair in list(zip(
            tap_junit.NAMES, tap_junit.columns(result)))[1:-1])),
        times, bar(result), findings(result),
        text(excerpt(os.path.join(place, "command"), HEAD)),
        text(excerpt(os.path.join(place, "console.log"),
                     TAIL_FAILED if result["findings"] else TAIL)))


def power_cuts(table):
    """The section with the table of the power cuts; '' if there is none."""
    return f"<h2>Power cuts</h2>\n<pre>{text(table)}</pre>\n" if table else ""


def page(results, about):
    """The complete page; `about` is from tap_junit.about()."""
    machines, rows = grid(results)
    words = [tap_junit.word(result) for result in results]
    with open(STYLE, encoding="utf-8") as source:
        style = source.read()
    return PAGE % {
        "title": text("Boot matrix: " + tap_junit.counts(results)), "style": style,
        "totals": " ".join(
            f'<span class="{word}"><b>{words.count(word)}</b> {name}</span>' for word, name in (
                ("FAILED", "failed"), ("ok", "passed"), ("skipped", "skipped"))
            if words.count(word)),
        "line": text(about["line"]), "failed": failures(results), "machines": machines,
        "rows": rows, "legend": " ".join('<span class="%s"></span> %s' % pair for pair in [
            ("ok", "passed"), ("FAILED", "failed"), ("skipped", "skipped"),
            ("none", "no such cell")] + list(STAGES.items())),
        "cells": "\n".join(details(result, about["folder"]) for result in sorted(
            results, key=lambda result: (not result["findings"], result["name"]))),
        "cuts": power_cuts(about["cuts"])}
