/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lognote DEVICE OFFSET TEXT: one sector with TEXT, straight to the device.
 *
 * Written after the file system of a disk whose writes are recorded, it tells the reader of the
 * record what the guest was doing between which of them. It goes past the page cache, and so makes
 * nothing else go to the disk.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char sector[512] __attribute__((aligned(512)));
	int fd = argc == 4 ? open(argv[1], O_WRONLY | O_DIRECT | O_CLOEXEC) : -1;

	snprintf(sector, sizeof(sector), "%s\n", fd < 0 ? "" : argv[3]);
	if (fd < 0 || pwrite(fd, sector, sizeof(sector), atoll(argv[2])) != sizeof(sector)) {
		perror("lognote");
		return 1;
	}
	return 0;
}
