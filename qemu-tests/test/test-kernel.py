#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""kernel/build makes a kernel once and keeps it, unless the build fails. Here a tree with a small
Makefile plays the kernel's source; the machines of the matrix boot the real one."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

from rig.host import kernels
from testlib.slowness import limit
from testlib import tap

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# Like kconfig, it silently drops options that it does not know.
MAKEFILE = """
allnoconfig:
\tgrep -E '^CONFIG_(GOOD|WORD)=' $(KCONFIG_ALLCONFIG) >.config
zImage:
\techo "  CC      one.o"
\techo built >>%(work)s/builds
\t%(compile)s
\tmkdir -p arch/arm/boot/dts
\techo image >arch/arm/boot/zImage
%%.dtb:
\tmkdir -p arch/arm/boot/dts
\techo tree >arch/arm/boot/dts/$@
kernelrelease:
\t@echo 6.1.0-fake
.PHONY: allnoconfig zImage kernelrelease
"""
GOOD = '# a comment on CONFIG_X\nCONFIG_GOOD=y\n# CONFIG_BAD is not set\nCONFIG_WORD="a b"\n'


class Rig:
    """A copy of kernel/build with a test configuration, source and cache."""

    def __init__(self, work):
        self.work = work
        self.cache = os.path.join(work, "rootstock/kernel")
        shutil.copytree(os.path.join(HERE, "kernel"), os.path.join(work, "qemu-tests/kernel"))
        shutil.copytree(os.path.join(HERE, "../build-aux"), os.path.join(work, "build-aux"), symlinks=True)
        self.configure(GOOD)
        self.write("rootstock/debs/bookworm-amd64/linux-source-6.1/usr/share/doc/linux-source-6.1/"
                   "changelog.Debian", "linux (6.1.0-1) x\n")
        subprocess.run(["gzip", "-r", os.path.join(work, "rootstock/debs")], check=True)
        self.source("true")

    def write(self, name, text):
        """Writes a file of the rig; returns its path."""
        return tap.write_text(self.work, name, text)

    def configure(self, text):
        """Writes another configuration."""
        self.write("qemu-tests/kernel/armhf.config", text)

    def source(self, command):
        """Writes another source, whose compilation is a shell command."""
        makefile = self.write("Makefile", MAKEFILE % {"work": self.work, "compile": command})
        folder = os.path.join(self.work, "rootstock/debs/bookworm-amd64/linux-source-6.1/usr/src")
        os.makedirs(folder, exist_ok=True)
        with tarfile.open(folder + "/linux-source-6.1.tar.xz", "w:xz") as out:
            out.add(makefile, "linux-source-6.1/Makefile")

    def start(self, *names, path=os.environ["PATH"]):
        """Starts a build."""
        return subprocess.Popen([os.path.join(self.work, "qemu-tests/kernel/build")] + list(names), text=True,
                                env=dict(os.environ, XDG_CACHE_HOME=self.work, PATH=path),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def build(self, *names, **settings):
        """Builds; returns (status, output, messages)."""
        process = self.start(*names, **settings)
        out, err = process.communicate(timeout=limit(60))
        return process.returncode, out, err

    def builds(self):
        """The number of compilations so far."""
        with open(os.path.join(self.work, "builds"), encoding="ascii") as source:
            return len(source.readlines())

    def kept(self):
        """What is in the cache other than locks and logs."""
        return [name for name in os.listdir(self.cache) if not name.endswith((".lock", ".log"))]


def failures(rig):
    """A failure prints a message and keeps nothing."""
    for text, line in ((GOOD + "CONFIG_MISSING=y\n", 'line 5: "CONFIG_MISSING=y" was asked for, but'
                        ' it became "# CONFIG_MISSING is not set"'),
                       ("# CONFIG_GOOD is not set\nCONFIG_GOOD=y\n", 'line 1: "# CONFIG_GOOD is not'
                        ' set" was asked for, but it became "CONFIG_GOOD=y"')):
        rig.configure(text)
        status, out, err = rig.build("armhf")
        tap.check(status == 1 and not out and line in err and not rig.kept(),
                  "an option that kconfig changes is an error: " + line[:40], err)
    rig.configure(GOOD)
    rig.source("echo the compiler is unhappy; false")
    status, out, err = rig.build("armhf")
    tap.check(status == 1 and not out and "the compiler is unhappy" in err and not rig.kept(),
              "a failed compilation shows the log's end and keeps nothing", err)
    for names in ((), ("no-such",), ("armhf", "armhf")):
        status, out, err = rig.build(*names)
        tap.check(status == 2 and "usage" in err, f"wrong arguments: {names}", err)
    rig.write("qemu-tests/kernel/other.config", GOOD)
    status, out, err = rig.build("other")
    tap.check(status == 2 and "no compiler is known for other" in err,
              "an unknown architecture is an error", err)
    os.mkdir(os.path.join(rig.work, "bin"))
    for name in ("dirname", "sh"):
        os.symlink(shutil.which(name), os.path.join(rig.work, "bin", name))
    status, out, err = rig.build("armhf", path=os.path.join(rig.work, "bin"))
    tap.check(status == 1 and "make is needed" in err, "a missing program is an error", err)


def killed(rig):
    """A killed build leaves its folder; successes() then shows that it does no harm."""
    rig.source("sleep %d" % limit(30))
    process = rig.start("armhf")
    while not (os.path.isdir(rig.cache) and os.path.exists(rig.work + "/builds") and
               rig.builds() == 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    tap.check(len(rig.kept()) == 1, "a killed build leaves its folder", rig.kept())
    # Wait for the end of the progress counter, which writes to standard error.
    process.stderr.read()


def successes(rig):
    """A kernel is compiled once, and then used again."""
    rig.source("sleep %d" % limit(2))
    pair = [rig.start("armhf"), rig.start("armhf")]
    outs = [process.communicate(timeout=limit(60)) for process in pair]
    folder = outs[0][0].rstrip("\n")
    tap.check([process.returncode for process in pair] == [0, 0] and outs[0][0] == outs[1][0] and
              rig.builds() == 3, "if two builds start together, only one compiles",
              (outs, rig.builds()))
    tap.check("waiting for" in outs[0][1] + outs[1][1], "the other build says that it waits", outs)
    tap.check(rig.kept() == [os.path.basename(folder)], "the folder of a killed build is removed",
              rig.kept())
    tap.check(os.path.exists(folder + "/usr/lib/linux-image-6.1.0-fake/imx6q-sabrelite.dtb"),
              "device trees are at the same path as in Debian's packages")
    kernels.HERE = os.path.join(rig.work, "qemu-tests")
    os.environ["XDG_CACHE_HOME"] = rig.work
    built = kernels.kernel({"kernel": "built armhf"})
    tap.check(built == ("6.1.0-fake", folder + "/boot/vmlinuz-6.1.0-fake") and rig.builds() == 3,
              "a machine's kernel may be a built one, which is built once", built)
    error = tap.raises(RuntimeError, kernels.kernel, {"kernel": "built no-such"})
    tap.check(error and "kernel/build no-such" in error, "an unknown one is an error", error)
    rig.configure(GOOD + "# another word\n")
    status, out, err = rig.build("armhf")
    tap.check(status == 0 and out.rstrip("\n") != folder and rig.builds() == 4,
              "another configuration makes another kernel", (out, err))


def main():
    """Runs all parts."""
    os.environ.pop("ASKED", None)  # the cache is fake: nothing is downloaded
    with tempfile.TemporaryDirectory() as work:
        rig = Rig(work)
        failures(rig)
        killed(rig)
        successes(rig)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
