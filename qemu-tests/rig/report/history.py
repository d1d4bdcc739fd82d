# SPDX-License-Identifier: LGPL-2.1-or-later
"""What runs leave for those that follow: the latest result of each cell, in qemu/results.json of a
build folder. What was to run and did not come to an end is kept as that, not as what it was before.
And of the trials of power cuts the table, in crash/table, for the reports.
"""

import contextlib
import json
import os

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"


def path_in(build):
    """Where the results of a build folder are."""
    return os.path.join(build, "qemu", "results.json")


def load(build):
    """{cell: {"result", "seconds", "findings"}}; {} if nothing ever ran."""
    if not os.path.exists(path_in(build)):
        return {}
    with open(path_in(build), encoding="ascii") as source:
        return json.load(source)


def save(build, news):
    """Replaces what is kept; a reader at the same time sees either the old or the new."""
    path = path_in(build)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="ascii") as out:
        json.dump({**load(build), **news}, out, indent=1, sort_keys=True)
    os.rename(path + ".new", path)


def table_in(build):
    """Where the table of the power cuts is."""
    return os.path.join(build, "crash", "table")


def keep_table(build, text):
    """Keeps the table of a whole run of the power cuts; None while there is none."""
    if text is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(table_in(build))
    else:
        with open(table_in(build), "w", encoding="utf-8") as out:
            out.write(text)


def table(build):
    """What was kept of the power cuts, or nothing."""
    if not os.path.exists(table_in(build)):
        return ""
    with open(table_in(build), encoding="utf-8") as source:
        return source.read()


def verdict(result):
    """One word for an outcome."""
    return FAILED if result["findings"] else SKIPPED if result["skip"] else PASSED


def begin(build, names):
    """These cells are about to run. How long they took before is still worth to know."""
    before = load(build)
    save(build, {name: {"result": NOT_RUN, "findings": [],
                        "seconds": before.get(name, {}).get("seconds")} for name in names})


def note(build, result):
    """A cell has come to its end."""
    save(build, {result["name"]: {
        "result": verdict(result), "findings": result["findings"],
        "seconds": None if result["skip"] else round(result["seconds"], 1)}})


def unfinished(build):
    """The cells that did not pass when they were last to run; None if nothing ever ran."""
    results = load(build)
    return {name for name, kept in results.items()
            if kept["result"] in (FAILED, NOT_RUN)} if results else None


def seconds(build):
    """{cell: seconds} of those that ran here before."""
    return {name: kept["seconds"] for name, kept in load(build).items() if kept["seconds"]}
