#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `make check` announces before it begins, and the list of downloads that this is taken
from."""

import os
import re
import subprocess
import sys
import tempfile

from rig import cells
from rig.host import arch
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# As build-aux/debs has it.
BASE = {"riscv64": "trixie"}


def listed():
    """{name in the cache: MB} of the list."""
    with open(os.path.join(HERE, "../build-aux/downloads"), encoding="ascii") as source:
        pairs = [line.split() for line in source if line[0] != "#"]
    return {name: int(size) for name, size in pairs}


def said(cache, *words, status=0):
    """The output of build-aux/outlook with this cache; None if its status is not `status`."""
    done = subprocess.run([os.path.join(HERE, "../build-aux/outlook"), *words], check=False, text=True,
                          env=dict(os.environ, XDG_CACHE_HOME=cache), stdout=subprocess.PIPE)
    return done.stdout if done.returncode == status else None


def names(kind):
    """The names in the cache of everything that a machine and its programs need."""
    packages = [kind[key] for key in ("kernel", "grub", "bios-package") if kind[key]]
    if kind["arch"] != arch.HOST:
        packages.append(f"{BASE.get(kind['arch'], 'bookworm')} {kind['arch']} musl-dev")
    for words in packages:
        release, architecture, *rest = words.split()
        for name in ["apt"] + rest:
            yield f"{release}-{architecture}/{re.sub('[:/]', '-', name)}"


def usual():
    """The cells that `make check` boots without arguments."""
    with open(os.path.join(HERE, "build.mk"), encoding="utf-8") as source:
        text = source.read().replace("\\\n", "")
    return cells.load(HERE, re.search(r"^CELLS \?= (.*)$", text, re.MULTILINE).group(1))


found = listed()
needed = {name for cell in usual() for name in names(cell["machine"])}
tap.check(len(needed) > 20 and needed <= set(found), "each machine's packages are in the list",
          needed - set(found))
tap.check(not any(name.startswith("built") for name in needed), "no machine needs a built kernel")
with tempfile.TemporaryDirectory() as cache:
    tap.check(f"takes {sum(found.values())} MB" in said(cache) and "10 minutes" in said(cache),
              "with an empty cache, everything is counted", said(cache))
    taken = tap.write_text(cache, "taken", "".join(name + "\n" for name in found))
    tap.check(not said(cache, taken), "if the list has all that was fetched, nothing is printed",
              said(cache, taken))
    tap.write_text(cache, "taken", "sid-amd64/apt\nsid-amd64/apt-x\n")
    tap.check(said(cache, taken, status=1).endswith(": sid-amd64/apt-x \n"),
              "if the list lacks something that was fetched, it is named",
              said(cache, taken, status=1))
    first, *rest = found
    for one in rest:
        os.makedirs(os.path.join(cache, "rootstock/debs", one))
    tap.check(f"takes {found[first]} MB" in said(cache) and "7 minutes" in said(cache),
              "what is in the cache is not counted", said(cache))
    os.makedirs(os.path.join(cache, "rootstock/debs", first))
    tap.check("MB" not in said(cache) and "6 minutes" in said(cache),
              "with a full cache, nothing is counted", said(cache))
    tap.check("more" in said(cache, "more") and "more" not in said(cache),
              "additional tests take more than the figures", said(cache, "more"))
sys.exit(tap.end())
