/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/finish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Unmounts the last mounted ext4 that is not on ROOT; returns 1, or 0 if none was unmounted. */
static int unmount_one(dev_t root, int *ret_error)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char line[1024];
	char last[256] = "";

	while (table && fgets(line, sizeof line, table)) {
		unsigned maj;
		unsigned min;
		char target[256];

		if (strstr(line, " - ext4 ") &&
			sscanf(line, "%*d %*d %u:%u %*s %255s", &maj, &min, target) == 3 &&
			makedev(maj, min) != root)
			memcpy(last, target, sizeof last);
	}
	if (table)
		fclose(table);
	if (!last[0])
		return 0;
	if (umount2(last, 0) < 0) {
		*ret_error = -errno;
		return 0;
	}
	return 1;
}

int finish_quiesce(void)
{
	struct stat root;
	int error = 0;

	sync();
	if (stat("/", &root) < 0)
		return -errno;
	while (unmount_one(root.st_dev, &error))
		;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0 && !error)
		error = -errno;
	sync();
	return error;
}

void finish_machine(int cmd)
{
	reboot(cmd);
	for (;;)
		pause();
}
