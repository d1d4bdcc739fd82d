# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run keeps for later ones, in the build folder: the latest result of each cell, in
qemu/results.json, and the table of the power-cut trials, in crash/table. A cell that started and
did not end is kept as "not run"; its older result is gone. """

import contextlib
import json
import os

PASSED, FAILED, SKIPPED, NOT_RUN = "passed", "failed", "skipped", "not run"


def path_in(build):
    """The path of the results in a build folder."""
    return os.path.join(build, "qemu", "results.json")


def load(build):
    """{cell: {"result", "seconds", "findings"}}; {} if nothing ever ran."""
    if not os.path.exists(path_in(build)):
        return {}
    with open(path_in(build), encoding="ascii") as source:
        return json.load(source)


def save(build, news):
    """Adds or replaces results; a concurrent reader sees the old or the new file."""
    path = path_in(build)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="ascii") as out:
        json.dump({**load(build), **news}, out, indent=1, sort_keys=True)
    os.rename(path + ".new", path)


def table_in(build):
    """The path of the table of the power cuts in a build folder."""
    return os.path.join(build, "crash", "table")


def keep_table(build, text):
    """Keeps the table of a complete run of the power-cut trials; None removes it."""
    if text is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(table_in(build))
    else:
        with open(table_in(build), "w", encoding="utf-8") as out:
            out.write(text)


def table(build):
    """The kept table of the power cuts; '' if there is none."""
    if not os.path.exists(table_in(build)):
        return ""
    with open(table_in(build), encoding="utf-8") as source:
        return source.read()


def verdict(result):
    """One word for an outcome."""
    return FAILED if result["findings"] else SKIPPED if result["skip"] else PASSED


def begin(build, names):
    """Notes that these cells start. Their seconds are kept, for the estimate of the time left."""
    before = load(build)
    save(build, {name: {"result": NOT_RUN, "findings": [],
                        "seconds": before.get(name, {}).get("seconds")} for name in names})


def note(build, result):
    """Notes the result of a cell that has ended."""
    save(build, {result["name"]: {
        "result": verdict(result), "findings": result["findings"],
        "seconds": None if result["skip"] else round(result["seconds"], 1)}})


def unfinished(build):
    """The cells that failed or did not end in their last run; None if nothing ever ran."""
    results = load(build)
    return {name for name, kept in results.items()
            if kept["result"] in (FAILED, NOT_RUN)} if results else None


def seconds(build):
    """{cell: seconds} of the cells that ran here before."""
    return {name: kept["seconds"] for name, kept in load(build).items() if kept["seconds"]}
