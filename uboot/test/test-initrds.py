#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# ring: qemu
"""Debian's kernel for arm64 unpacks all of the initrds that boot.cmd concatenates."""
import gzip
import os
import shutil
import subprocess
import sys

from testlib import realuboot
import sysroot
from testlib import tap

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = r"""
#include <fcntl.h>
#include <stdio.h>
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	char words[3][16] = { "?", "?", "?" };
	const char *names[] = { "/one", "/two", "/three" };

	for (int i = 0; i < 3; i++)
		if (read(open(names[i], O_RDONLY), words[i], sizeof(words[i]) - 1) < 0)
			perror(names[i]);
	printf("found %s %s %s\n", words[0], words[1], words[2]);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
"""


def cpio(files):
    """An archive in the format of Linux's Documentation/driver-api/early-userspace."""
    archive = b""
    for number, (name, content) in enumerate([*files.items(), ("TRAILER!!!", b"")], 1):
        fields = [number, 0o100755, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        archive += b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        archive += b"\0" * (-len(archive) % 4) + content
        archive += b"\0" * (-len(archive) % 4)
    return archive


def squeezed(files):
    """A compressed archive of odd length, after which the next one needs padding."""
    for padding in range(64):
        packed = gzip.compress(cpio(files) + b"\0" * padding)
        if len(packed) % 2:
            return packed
    raise AssertionError("no odd length")


def three_initrds(where):
    debs = subprocess.run([HERE + "/../../build-aux/debs", "bookworm", "arm64",
                           "meta:linux-image-cloud-arm64"], check=False, capture_output=True,
                          text=True)
    if debs.returncode:
        raise tap.Skip(f"no kernel: {debs.stderr.splitlines()[-1]}")
    boot = where + "/root/boot"
    kernels = debs.stdout.strip() + "/boot"
    os.makedirs(boot)
    shutil.copy(f"{kernels}/{next(k for k in os.listdir(kernels) if k.startswith('vmlinuz'))}",
                boot + "/k")
    shutil.copy(tap.BUILD + "/boot.scr", boot)
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", "-x", "c", "-", "-o", where + "/program"],
                   input=PROGRAM, text=True, check=True)
    tap.write(boot + "/a", squeezed({"one": b"first"}))
    tap.write(boot + "/b", cpio({"two": b"second"}))
    tap.write(boot + "/c", squeezed({"three": b"third", "start": tap.read(where + "/program")}))
    tap.write(boot + "/loader/uEnv.txt", b"kernel_image=/boot/k\nramdisk_image=/boot/a\n"
              b"ramdisk_images=/boot/a /boot/b /boot/c\n"
              b"bootargs=console=ttyAMA0 rdinit=/start panic=-1\nrootstock_complete=1\n")
    realuboot.make_disk(where + "/disk", (where + "/root", "ext4"), mib=96)
    with realuboot.start(where, "arm64", where + "/disk", seconds=300) as machine:
        assert b"\nfound first second third\r" in machine.console, machine.said()


TESTS = [("Linux on arm64 unpacks three initrds", three_initrds)]
MISSING = realuboot.missing()
sys.exit(tap.main(tap.skipped(TESTS, f"{MISSING} is not installed") if MISSING else TESTS))
