# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mutants: copies of this tree with one fault each, which the matrix must find. Each is a section
of mutants/*.ini: in `file` the text `old`, which occurs once, is replaced by `new`. Then each of
the `cells` must fail with one of the sentences in `finding`, where * matches anything.

If a cell passes, the mutant has survived; if it fails for another reason, that proves nothing. Both
count as failures. Each new scenario comes with a mutant that only this scenario catches."""

import concurrent.futures
import configparser
import contextlib
import glob
import os
import queue
import shutil
import subprocess
import time

from rig.disk import disk
from rig.host import arch
from rig.report import history, judge
from rig.host.kernels import HERE

TOP = os.path.dirname(HERE)
KEYS = {"file", "old", "new", "cells", "finding"}


def load(folder):
    """The mutants of a folder, as dicts with a `name`; `cells` and `finding` are lists."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "mutants", "*.ini"))):
        parser = configparser.ConfigParser(interpolation=None, delimiters=("=",),
                                           comment_prefixes=("#",), default_section="")
        try:
            with open(path, encoding="utf-8") as source:
                parser.read_file(source)
        except configparser.Error as error:
            raise ValueError("%s: %s" % (path, str(error).replace("\n", " "))) from error
        for name in parser.sections():
            if set(parser[name]) != KEYS or not all(
                    parser[name][key] for key in KEYS - {"new"}):
                raise ValueError(f"{path}: [{name}] needs {', '.join(sorted(KEYS))}")
            found.append(dict(parser[name], name=name, cells=parser[name]["cells"].split(),
                              finding=parser[name]["finding"].strip().splitlines()))
    return found


def apply(mutant, top):
    """Changes the mutant's file below `top`; returns its previous text."""
    path = os.path.join(top, mutant["file"])
    with open(path, encoding="utf-8") as source:
        text = source.read()
    if text.count(mutant["old"]) != 1:
        raise ValueError(f"mutant {mutant['name']}: {mutant['file']} has '{mutant['old']}' "
                         f"{text.count(mutant['old'])} times, not once")
    write(path, text.replace(mutant["old"], mutant["new"]))
    return text


def write(path, text):
    """Writes a file, which makes it newer than what was built from it."""
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def copy(build, tree):
    """Makes a fresh copy of this tree, with the disk images that the build folder already has.
    Those that a mutant does not affect need not be made again."""
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(TOP, tree, symlinks=True, ignore=lambda folder, names: [
        name for name in names if name in (".git", "build", "__pycache__") or
        os.path.abspath(os.path.join(folder, name)) == os.path.abspath(build)])
    images = os.path.join(build, "qemu/images")
    if os.path.exists(images):
        shutil.copytree(images, os.path.join(folder_in(tree), "qemu/images"), symlinks=True,
                        copy_function=os.link)


def folder_in(tree):
    """The build folder of a copy."""
    return os.path.join(tree, "build", arch.HOST)


def call(words, tree, log):
    """Runs a program in the copy until it ends or the run is stopped, with its output in the
    log."""
    with subprocess.Popen(words, cwd=tree, stdin=subprocess.DEVNULL, stdout=log,
                          stderr=subprocess.STDOUT) as process:
        while process.poll() is None:
            if disk.stop.wait(0.1):
                process.terminate()
                process.wait()
        return process.returncode


def verdict(mutant, result):
    """Findings about one of the mutant's cells, from its kept result; [] if it caught the
    mutant."""
    if not result:
        return ["the cell did not run"]
    if result["result"] == history.PASSED:
        return ["the mutant survived: the cell passed"]
    if any(judge.has(finding, sentence) for finding in result["findings"]
           for sentence in mutant["finding"]):
        return []
    return [f"the cell is '{result['result']}', but says none of: "
            f"{'; '.join(mutant['finding'])}"] + result["findings"]


def boot(mutant, tree, scale, log):
    """Builds and runs the copy with a mutant in it; returns {cell: findings}."""
    build = folder_in(tree)
    for name in sorted(mutant["archs"]):
        if call(["make", "ARCH=" + name], tree, log):
            return {cell: ["the mutant cannot be built, see " + log.name]
                    for cell in mutant["cells"]}
    with contextlib.suppress(FileNotFoundError):
        os.unlink(history.path_in(build))
    call(["qemu-tests/run", "--build", build, "--jobs", "1", "--scale", str(scale), "--only",
          " ".join(mutant["cells"])], tree, log)
    results = history.load(build)
    return {cell: verdict(mutant, results.get(cell)) for cell in mutant["cells"]}


def prove(mutant, tree, hosts):
    """Tries one mutant; returns an outcome, as the reports take it, for each of its cells."""
    start = time.monotonic()
    with open(os.path.join(os.path.dirname(tree), mutant["name"] + ".log"), "w",
              encoding="utf-8") as log:
        before = apply(mutant, tree)
        try:
            found = boot(mutant, tree, max(hosts.measure(kind)[1] for kind in mutant["machines"]),
                         log)
        finally:
            write(os.path.join(tree, mutant["file"]), before)
    return [{"name": f"{mutant['name']} by {cell}", "findings": findings, "skip": "",
             "seconds": (time.monotonic() - start) / len(found)}
            for cell, findings in found.items()]


def of_cells(chosen):
    """The mutants that any of these cells must catch, each with only those of its cells."""
    machines = {cell["name"]: cell["machine"] for cell in chosen}
    for mutant in load(HERE):
        names = [cell for cell in mutant["cells"] if cell in machines]
        kinds = [machines[name] for name in names]
        if names:
            yield dict(mutant, cells=names, machines=kinds,
                       archs={arch.HOST} | {kind["arch"] for kind in kinds})


def run(build, chosen, jobs, hosts):
    """Tries all mutants that any of the cells must catch, in one copy of the tree for each job;
    yields an outcome for each such cell."""
    folder, free = os.path.join(build, "mutants"), queue.SimpleQueue()
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(jobs):
        copy(build, os.path.join(folder, f"tree-{number}"))
        free.put(os.path.join(folder, f"tree-{number}"))

    def work(mutant):
        tree = free.get()
        try:
            return prove(mutant, tree, hosts)
        finally:
            free.put(tree)

    pool = concurrent.futures.ThreadPoolExecutor(jobs)
    try:
        for future in concurrent.futures.as_completed(
                [pool.submit(work, mutant) for mutant in of_cells(chosen)]):
            yield from future.result()
    except BaseException:
        disk.stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def tell(results, folder):
    """Prints a line for each result; returns all results as a list."""
    found = []
    for result in results:
        found.append(result)
        print("%-60s %6.1f s  %s" % (result["name"], result["seconds"],
                                     "FAILED" if result["findings"] else "caught"))
        for finding in result["findings"]:
            print("    " + finding.replace("\n", "\n    "), flush=True)
    failed = sum(bool(result["findings"]) for result in found)
    print(f"{len(found) - failed} caught, {failed} failed   logs: {os.path.relpath(folder)}")
    return found
