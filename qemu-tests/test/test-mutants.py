#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The mutants: each one's text is in the sources, each scenario has one, and one counts as caught
only if it was."""

import os
import sys
import tempfile
import time

from rig import cells, mutants
from rig.disk import disk
from rig.vm.hosts import Hosts
from testlib.slowness import limit
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def copies(work):
    """Each mutant's text is in its file, each scenario has a mutant, and verdicts are right."""
    found, names = mutants.load(HERE), {cell["name"] for cell in cells.load(HERE)}
    for mutant in found:
        with open(os.path.join(mutants.TOP, mutant["file"]), encoding="utf-8") as source:
            times = source.read().count(mutant["old"])
        tap.check(times == 1 and not set(mutant["cells"]) - names,
                  f"the text and the cells of the mutant {mutant['name']} exist",
                  (times, set(mutant["cells"]) - names))
    lacking = {name.split("/")[1] for name in names} - {
        cell.split("/")[1] for mutant in found for cell in mutant["cells"]}
    tap.check(not lacking, "each scenario has a mutant that it must catch", lacking)
    one = {"name": "m", "file": "a", "old": "b", "new": "B", "finding": ["not so: */usr"]}
    path = os.path.join(work, "a")
    mutants.write(path, "abc\n")
    before = mutants.apply(one, work)
    with open(path, encoding="ascii") as source:
        tap.check((before, source.read()) == ("abc\n", "aBc\n"), "a mutant's text is replaced")
    for text in ("ac\n", "bb\n"):
        mutants.write(path, text)
        tap.check(tap.raises(ValueError, mutants.apply, one, work),
                  f"'{text[:-1]}', which does not have it once, is an error")
    for name, good, result, said in (
            ("is caught", True, "failed", ["x", "boot 1: not so: the /usr"]),
            ("survives", False, "passed", []),
            ("fails for another reason", False, "failed", ["the rig: KeyError"]),
            ("cannot run", False, "skipped", []),
            ("did not end", False, "not run", []),
            ):
        seen = mutants.verdict(one, {"result": result, "findings": said})
        tap.check(bool(seen) != good, "a mutant that " + name, seen)
    tap.check(mutants.verdict(one, None), "a mutant whose cell did not run")


def all_mutants(work):
    """run() builds and tries each mutant in a copy; here functions play make and the matrix."""
    tree = os.path.join(work, "mutants/tree-0")
    chosen = cells.load(HERE, "x86-bios-grub/arguments")
    name = os.path.join(tree, "grub/menuentry.c")
    with open(os.path.join(mutants.TOP, "grub/menuentry.c"), encoding="utf-8") as source:
        text = source.read()
    for mode, good, finding in (("caught", True, "not so: the arguments are those"),
                                ("survives", False, None), ("cannot be built", False, None)):
        calls = []

        def call(words, top, log):
            with open(name, encoding="utf-8") as source:
                calls.append((words[0], source.read() != text, top, os.path.basename(log.name)))
            if words[0] == "make":
                return mode == "cannot be built"
            mutants.history.note(mutants.folder_in(tree), {
                "name": "x86-bios-grub/arguments", "skip": "", "seconds": 1.0,
                "findings": [finding] if finding else []})
            return 0

        real, mutants.call = mutants.call, call
        found = list(mutants.run(work, chosen, 1, Hosts(1.5, lambda _: None)))
        mutants.call = real
        with open(name, encoding="utf-8") as source:
            tap.check(source.read() == text, "the copy is unchanged afterwards")
        log = "drops-words-with-a-dash.log"
        wanted = [("make", True, tree, log), ("qemu-tests/run", True, tree, log)]
        tap.check(calls == wanted[:1 if mode == "cannot be built" else 2] and len(found) == 1 and
                  not found[0]["findings"] == good, "a mutant that " + mode, (calls, found))
    tap.check(not os.path.exists(os.path.join(tree, ".git")) and
              not os.path.exists(os.path.join(tree, "build/x86_64")),
              "neither .git nor the build folder is copied")
    with open(os.path.join(work, "log"), "w", encoding="ascii") as log:
        disk.stop.set()
        start = time.monotonic()
        tap.check(mutants.call(["sleep", str(limit(60))], work, log) < 0 and time.monotonic() - start < limit(20),
                  "a mutant's program ends if the run is stopped")
        disk.stop.clear()


def wrong_files(work):
    """Files of mutants are read, and wrong ones are errors."""
    os.makedirs(os.path.join(work, "mutants"))
    whole = "[m]\nfile = a\nold = b\nnew =\ncells = m/s\nfinding = x\n    y\n"
    path = os.path.join(work, "mutants/a.ini")
    mutants.write(path, whole)
    found = mutants.load(work)
    tap.check(len(found) == 1 and found[0]["finding"] == ["x", "y"] and found[0]["new"] == "",
              "new = may be empty", found)
    for name, text in (("without finding =", whole.replace("finding = x\n    y\n", "")),
                       ("with an empty finding =",
                        whole.replace("finding = x\n    y\n", "finding =\n")),
                       ("without new =", whole.replace("new =\n", "")),
                       ("with an unknown key", whole + "about = z\n"),
                       ("that is there twice", whole + whole)):
        mutants.write(path, text)
        error = tap.raises(ValueError, mutants.load, work)
        tap.check(error and "a.ini" in error, f"a mutant {name} is an error", error)


with tempfile.TemporaryDirectory() as scratch:
    copies(scratch)
    all_mutants(os.path.join(scratch, "all"))
    wrong_files(os.path.join(scratch, "wrong"))
sys.exit(tap.end())
