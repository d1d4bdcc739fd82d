#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Seven generators write one menu at the same time, and some are killed: the menu is always
complete, and no other files are left; also while another user holds the lock."""
import fcntl
import functools
import os
import subprocess
import sys
import time

from testlib import tap
from testlib.slowness import limit
from testlib.generator import GRUB, UBOOT, clean_environment
from testlib.hostile import entry
from testlib.tap import read, write

AT_ONCE = 7
LEFT = ".rootstock.new"


class Ground:
    def __init__(self, program, where):
        self.program = program
        self.out = program.make(where, {f"ostree-{n}.conf": entry(b"x=%d" % n * 300)
                                        for n in range(1, 21)})
        self.loader = os.path.dirname(self.out)
        self.commands = [[program.program, "-o", self.out, "--boot-prefix", f"/{n}"]
                         for n in range(AT_ONCE)]
        self.menus = [subprocess.run(
            [*command, "-o", "-", "--entries", self.loader + "/entries"], capture_output=True,
            check=True, env=clean_environment()).stdout for command in self.commands]
        assert len(set(self.menus)) == AT_ONCE
        write(self.out, self.menus[0])

    def round(self, numbers, kill, after=0):
        """Runs all generators; with kill, kills some of them after that many seconds."""
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                    env=clean_environment()) for command in self.commands]
        killed = numbers.sample(running, AT_ONCE // 2) if kill else []
        time.sleep(after)
        for process in killed:
            time.sleep(numbers.random() * 0.004)
            process.kill()
        for process in running:
            # This limit only ends a process that would wait forever.
            said = process.communicate(timeout=limit(300))[0]
            assert process.returncode == 0 or process in killed, (process.returncode, said)
            assert read(self.out) in self.menus

    def ends_well(self):
        assert subprocess.run(self.commands[3], check=False, env=clean_environment()).returncode == 0
        assert read(self.out) == self.menus[3]
        assert set(os.listdir(self.loader)) == {"entries", self.program.out}


def killed(program, where):
    ground = Ground(program, where)

    def some(numbers):
        ground.round(numbers, True)
        ground.ends_well()
    tap.repeat(40, some)


def locked(program, where):
    """The generators work while another user holds a shared lock on the directory."""
    ground = Ground(program, where)
    write(f"{ground.loader}/{LEFT}", b"a call that is at work for longer than one waits")
    lock = os.open(ground.loader, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    tap.repeat(1, lambda numbers: ground.round(numbers, False))
    assert set(os.listdir(ground.loader)) == {"entries", program.out, LEFT}
    tap.repeat(1, lambda numbers: ground.round(numbers, True, 5))
    # U-Boot's generator writes two files in the hook.
    if program is UBOOT:
        done = program.generate("-o", ground.loader + "/grub.cfg", _OSTREE_GRUB2_BOOTVERSION="1")
        assert done[0] == 0, done
        os.unlink(ground.loader + "/grub.cfg")
    os.close(lock)
    ground.ends_well()


TESTS = [(f"{program.name}: {test.__name__}", functools.partial(test, program))
         for program in (GRUB, UBOOT) for test in (killed, locked)]
sys.exit(tap.main(TESTS))
