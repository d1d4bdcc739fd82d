# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs many cells, several at a time, prints a line for each and writes the reports."""

import concurrent.futures
import contextlib
import itertools
import os
import time

from rig import cells
from rig.cell import run_cell, skipped
from rig.disk import disk, image
from rig.report import history, html_page, markdown, progress, tap_junit, times
from rig.vm.hosts import Hosts


def results_of(options, runnable, hosts, told):
    """Runs the cells, several at a time; yields the outcome of each when it ends.

    If the caller stops early (a signal, a failure), the machines are stopped and no other cell
    starts.
    """
    def work(cell):
        told.start(cell["name"])
        return run_cell(options.build, cell, hosts)

    pool = concurrent.futures.ThreadPoolExecutor(options.jobs)
    try:
        waiting = {pool.submit(work, cell) for cell in runnable}
        while waiting:
            done, waiting = concurrent.futures.wait(
                waiting, 1, concurrent.futures.FIRST_COMPLETED)
            for future in done:
                yield future.result()
            told.tick()
    except BaseException:
        disk.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def write_reports(options, results, about):
    """Writes the report files that the command line names."""
    for path, form in ((options.tap, tap_junit.tap), (options.junit, tap_junit.junit),
                       (options.markdown, lambda found: markdown.summary(found, about)),
                       (options.html, lambda found: html_page.page(found, about))):
        if path:
            with open(path, "w", encoding="utf-8") as out:
                out.write(form(results))


def run(options, chosen):
    """Runs the cells; returns the exit status."""
    start, names = time.monotonic(), [cell["name"] for cell in chosen]
    image.need_programs(options.build, [cell["machine"] for cell in chosen])
    image.need_room(options.build)
    lacks = {cell["name"]: cells.missing(cell["machine"]) for cell in chosen}
    runnable = [cell for cell in chosen if not lacks[cell["name"]]]
    expected = {**times.estimates(image.HERE, names), **history.seconds(options.build)}
    told, results = progress.Progress(names, expected, options.jobs), []
    hosts = Hosts(options.scale, told.write)
    history.begin(options.build, names)
    told.heading()
    skips = (skipped(cell, lacks[cell["name"]]) for cell in chosen if lacks[cell["name"]])
    with contextlib.closing(results_of(options, runnable, hosts, told)) as outcomes:
        for result in itertools.chain(skips, outcomes):
            results.append(result)
            history.note(options.build, result)
            told.end(result)
    results.sort(key=lambda result: result["name"])
    about = tap_junit.about(time.monotonic() - start, hosts, options.jobs,
                       os.path.join(options.build, "qemu"), history.table(options.build))
    write_reports(options, results, about)
    print(tap_junit.summary(results, about))
    # A run in which no cell could run has not passed.
    return 1 if any(result["findings"] for result in results) or not runnable else 0
