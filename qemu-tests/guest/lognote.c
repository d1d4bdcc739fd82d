/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lognote DEVICE OFFSET TEXT: writes one sector with TEXT directly to the device.
 *
 * The sector is after the file system of a disk whose writes are recorded. In the recording it
 * shows what the guest was doing between the other writes. It bypasses the page cache, so that it
 * causes no other writes.
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
