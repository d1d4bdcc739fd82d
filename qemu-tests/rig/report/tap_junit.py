# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run as the table on the terminal, as TAP and as JUnit XML."""

import os
import re
from xml.sax.saxutils import escape, quoteattr

NAMES = ("cell", "firmware", "loader", "kernel", "prepare", "probe", "total", "result")
COLUMNS = "%-40s %-13s %7s %7s %8s %6s %7s  %s"
HEADER = COLUMNS % NAMES


def seconds(value, digits=1):
    """A time as text for a column."""
    return "-" if value is None else "%.*f s" % (digits, value)


def total(run, *stages):
    """The time of stages over all boots of a cell; None if no boot ended one of them."""
    known = [boot[stage] for boot in run["boots"] for stage in stages if boot[stage] is not None]
    return sum(known) if known else None


def word(result):
    """The outcome of a cell as a word."""
    return "FAILED" if result["findings"] else "skipped" if result["skip"] else "ok"


def columns(result):
    """The texts under NAMES for one cell. "prepare" is that of the boot in which it took
    longest."""
    name, firmware, run = result["name"], result["machine"]["firmware"], result["run"]
    if result["skip"]:
        return [name, firmware, *"-----", "skipped: " + result["skip"]]
    prepare = [float(report["prepare"]) for report in result["reports"] if report["prepare"]]
    passed = sum(report["passed"] for report in result["reports"])
    checks = sum(report["checks"] for report in result["reports"])
    return [name, firmware, seconds(total(run, "firmware", "loader")),
            seconds(total(run, "kernel")), seconds(max(prepare, default=None), 3),
            f"{passed}/{checks}" if checks else "-", seconds(result["seconds"]),
            word(result)]


def row(result):
    """The row of the table for one cell."""
    return COLUMNS % tuple(columns(result))


def tap(results):
    """TAP: a line for each cell, and the plan."""
    lines = []
    for number, result in enumerate(results, 1):
        if result["skip"]:
            lines.append(f"ok {number} - {result['name']} # SKIP {result['skip']}")
            continue
        lines.append(f"{'not ' if result['findings'] else ''}ok {number} - {result['name']}")
        for finding in result["findings"]:
            lines += ["#   " + line for line in finding.splitlines()]
    return "\n".join(lines + [f"1..{len(results)}", ""])


def clean(text):
    """Text without the control characters that XML does not have."""
    return re.sub(r"[^\t\n\x20-\ud7ff]", "?", text)


def junit(results):
    """JUnit XML, for programs that collect results."""
    out = ['<?xml version="1.0" encoding="UTF-8"?>',
           '<testsuite name="qemu" tests="%d" failures="%d" skipped="%d">' % (
               len(results), sum(bool(result["findings"]) for result in results),
               sum(bool(result["skip"]) for result in results))]
    for result in results:
        out.append(f"<testcase classname=\"qemu\" name={quoteattr(result['name'])} "
                   f"time=\"{result['seconds']:.1f}\">")
        if result["skip"]:
            out.append(f"<skipped message={quoteattr(result['skip'])}/>")
        elif result["findings"]:
            out.append("<failure message=%s>%s</failure>" % (
                quoteattr(clean(result["findings"][0].splitlines()[0])),
                escape(clean("\n".join(result["findings"])))))
        out.append("</testcase>")
    return "\n".join(out + ["</testsuite>", ""])


def counts(results):
    """How many passed, and how many did not."""
    words = [word(result) for result in results]
    skipped = words.count("skipped")
    return "%d passed, %d failed%s" % (words.count("ok"), words.count("FAILED"),
                                       ", %d skipped" % skipped if skipped else "")


def about(took, hosts, jobs, folder, cuts=""):
    """Facts about a run other than its results. `hosts` has the measured accelerators and scales,
    `cuts` is the table of the last complete run of the power cuts."""
    return {"folder": folder, "line": f"{took:.0f} s, {jobs} at a time, {hosts}",
            "cuts": cuts}


def summary(results, known):
    """The last line of a run."""
    return f"{counts(results)} in {known['line']}   consoles: {os.path.relpath(known['folder'])}"
