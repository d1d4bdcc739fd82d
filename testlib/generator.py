# SPDX-License-Identifier: LGPL-2.1-or-later
"""A directory like an OSTree sysroot with entries in it, and a generator run on it."""
import os
import re
import subprocess

from testlib import tap

OURS = ("_OSTREE_GRUB2_BOOTVERSION", "OSTREE_BOOT_PARTITION")


def clean_environment(**more):
    """The environment without the variables that a generator reads."""
    return {k: v for k, v in os.environ.items() if k not in OURS} | more


class Generator:
    def __init__(self, name, out, kernel):
        """out is the name of its output file; kernel is a pattern of the kernels in that file."""
        self.name, self.out, self.kernel = name, out, kernel
        self.program = f"{tap.BUILD}/{name}"

    def make(self, root, entries, version=1):
        """Makes loader.VERSION with these entries, and loader -> loader.VERSION. Returns OUT."""
        loader = f"{root}/boot/loader.{version}"
        os.makedirs(loader + "/entries")
        for name, content in entries.items():
            tap.write(f"{loader}/entries/{name}", content)
        os.symlink(f"loader.{version}", root + "/boot/loader")
        return f"{loader}/{self.out}"

    def generate(self, *arguments, cwd=None, **environment):
        """Returns (exit status, standard output, lines of standard error)."""
        done = subprocess.run([self.program, *arguments], capture_output=True, check=False, cwd=cwd,
                              env=clean_environment(**environment))
        return done.returncode, done.stdout, done.stderr.decode("latin-1").splitlines()

    def check_says(self, said, expected):
        assert len(said) == len(expected), f"said {said}, expected {expected}"
        for line, pattern in zip(said, expected):
            assert re.search(pattern, line), f"said {line!r}, expected {pattern!r}"
            assert line.startswith(self.name + ": "), line

    def fails(self, arguments, *says, status=1, **environment):
        found = self.generate(*arguments, **environment)
        assert found[0] == status, found
        assert found[1] == b"", found
        self.check_says(found[2], says)

    def kernels(self, output):
        return [path.decode() for path in re.findall(self.kernel, output, re.MULTILINE)]


GRUB = Generator("ostree-grub-generator", "grub.cfg", rb"^\t\tlinux '([^']*)'")
UBOOT = Generator("ostree-uboot-generator", "uEnv.txt", rb"^kernel_image\d*=(.+)$")
