/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tags: what the bytes of a device say it is, by libblkid's low-level probe.
 *
 * The only place that knows libblkid. Nothing is cached, nothing on the host is asked, and the
 * device is only read; a descriptor of a file with an image in it will do.
 */
#pragma once

#include <stdbool.h>

struct tags {
	char type[32];	 /* libblkid's name: ext4, vfat, crypto_LUKS, ...; "" for nothing known */
	bool filesystem; /* type can be mounted; swap, raid and encrypted volumes cannot */
	char uuid[64];	 /* "" where there is none, likewise label */
	char label[256];
};

/*
 * Probes the device, a partition or a whole disk. Returns 0 with the type set, or -ENODATA where
 * nothing is known, -ENOTUNIQ where the bytes are two things at once (an old signature was left),
 * another negative errno where they cannot be read; then all tags are empty. What systems have as
 * their root comes first: an ext4 beside the marks of ZFS or of another rare type is an ext4. A
 * label of more than 255 bytes is taken for none.
 */
int tags_read(int fd, bool partition, struct tags *ret_tags);

/*
 * Reads the partition table of a disk and calls each() with the number and the PARTUUID of every
 * partition that has one. Returns 0, -ENODATA where there is no table, or another negative errno.
 */
int tags_partitions(
	int fd, void (*each)(unsigned number, const char *partuuid, void *context), void *context);
