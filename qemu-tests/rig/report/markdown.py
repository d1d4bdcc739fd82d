# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run as Markdown, for the summary that a CI shows: what failed and why comes first, the whole
table opens with a click."""

import re

from rig.report import tap_junit

# GitHub accepts summaries of at most 1 MiB, and a thousand lines of one cell are not readable.
LINES = 20


def code(text):
    """Text in a span of code: no back quote of its own, and no line, ends it."""
    text = tap_junit.clean(text).replace("\n", " ").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return fence + pad + text + pad + fence


def block(text):
    """Text as a block of code, with a fence that is not in it."""
    lines = tap_junit.clean(text).splitlines()
    if len(lines) > LINES:
        lines[LINES:] = ["... %d lines more" % (len(lines) - LINES)]
    fence = "`" * max(3, max((len(run) for line in lines for run in re.findall("`+", line)),
                             default=0) + 1)
    return "\n".join([fence] + lines + [fence])


def line(result):
    """One cell's line of the table."""
    cells = tap_junit.columns(result)
    return "| %s | %s |" % (code(cells[0]), " | ".join(
        tap_junit.clean(cell).replace("|", "\\|") for cell in cells[1:]))


def summary(results, about):
    """The whole text. `about` is what tap_junit.about() knows of the run."""
    failed = [result for result in results if result["findings"]]
    out = ["### Boot matrix: %s" % tap_junit.counts(results), "", about["line"], ""]
    for result in failed:
        out += ["**%s failed:** %s" % (code(result["name"]), result["about"]), "",
                block("\n".join(result["findings"])), ""]
    out += ["<details><summary>all %d cells</summary>" % len(results), "",
            "| %s |" % " | ".join(tap_junit.NAMES), "|%s" % (" --- |" * len(tap_junit.NAMES))]
    out += [line(result) for result in failed + [
        result for result in results if not result["findings"]]]
    out += ["", "</details>", ""]
    if about["cuts"]:
        out += ["### Power cuts", "", "```", about["cuts"].rstrip(), "```", ""]
    return "\n".join(out + [""])
