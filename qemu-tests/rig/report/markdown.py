# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run as Markdown, for the summary in a CI: first what failed and why, then the table of all
cells, which opens with a click."""

import re

from rig.report import tap_junit

# The lines of a cell's findings that are shown. GitHub accepts summaries of at most 1 MiB.
LINES = 20


def code(text):
    """Text as a code span, which neither a back quote nor a line feed in the text can end."""
    text = tap_junit.clean(text).replace("\n", " ").replace("|", "\\|")
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return fence + pad + text + pad + fence


def block(text):
    """Text as a code block, with a fence that does not occur in it."""
    lines = tap_junit.clean(text).splitlines()
    if len(lines) > LINES:
        lines[LINES:] = [f"... {len(lines) - LINES} lines more"]
    fence = "`" * max(3, max((len(run) for line in lines for run in re.findall("`+", line)),
                             default=0) + 1)
    return "\n".join([fence] + lines + [fence])


def line(result):
    """The row of a cell in the table."""
    cells = tap_junit.columns(result)
    return "| %s | %s |" % (code(cells[0]), " | ".join(
        tap_junit.clean(cell).replace("|", "\\|") for cell in cells[1:]))


def summary(results, about):
    """The complete text; `about` is from tap_junit.about()."""
    failed = [result for result in results if result["findings"]]
    out = [f"### Boot matrix: {tap_junit.counts(results)}", "", about["line"], ""]
    for result in failed:
        out += [f"**{code(result['name'])} failed:** {result['about']}", "",
                block("\n".join(result["findings"])), ""]
    out += [f"<details><summary>all {len(results)} cells</summary>", "",
            f"| {' | '.join(tap_junit.NAMES)} |", f"|{' --- |' * len(tap_junit.NAMES)}"]
    out += [line(result) for result in failed + [
        result for result in results if not result["findings"]]]
    out += ["", "</details>", ""]
    if about["cuts"]:
        out += ["### Power cuts", "", "```", about["cuts"].rstrip(), "```", ""]
    return "\n".join(out + [""])
