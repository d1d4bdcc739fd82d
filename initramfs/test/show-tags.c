/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows what initramfs/tags.h says: "disk FILE" and "partition FILE" print ERROR TYPE FILESYSTEM
 * UUID LABEL, one a line; "table FILE" NUMBER UUID of each partition, a line each, then the error.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "initramfs/tags.h"

static void show_partition(unsigned number, const char *partuuid, void *context)
{
	(void)context;
	printf("%u %s\n", number, partuuid);
}

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	struct tags tags;
	int err;

	if (fd < 0)
		return 2;
	if (!strcmp(argv[1], "table")) {
		err = tags_partitions(fd, show_partition, NULL);
		printf("%d\n", err);
		return 0;
	}
	err = tags_read(fd, !strcmp(argv[1], "partition"), &tags);
	printf("%d\n%s\n%d\n%s\n%s\n", err, tags.type, tags.filesystem, tags.uuid, tags.label);
	return 0;
}
