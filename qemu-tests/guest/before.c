/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The /init of an image that tests the wait for a disk: stores in the environment how often process
 * 1 has given up the processor so far, as a thread of the kernel, and executes the init under test.
 */
#include "qemu-tests/guest/initramfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char text[32];

	(void)argc;
	(void)mkdir("/proc", 0755);
	if (mount("proc", "/proc", "proc", 0, NULL) == 0) {
		snprintf(text, sizeof text, "%ld", initramfs_switches());
		setenv("switches", text, 1);
		umount("/proc");
	}
	execv("/rootstock-init", argv);
	return 1;
}
