/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * probe: what a device contains, by libblkid's low-level probe.
 *
 * The only file of initramfs/ that uses libblkid. Nothing is cached, only the device and /sys are
 * read, and a descriptor of an image file works too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct tags {
	char type[32];	 /* libblkid's name: ext4, vfat, crypto_LUKS, ...; "" if unknown */
	bool filesystem; /* false for swap, and for containers of something else */
	char uuid[64];	 /* "" where there is none, likewise label */
	char label[256];
	char member[64]; /* libblkid's UUID_SUB: of this device, where uuid is that of several */
};

enum { PROBE_SIGNATURES_MAX = 8 };

/*
 * Looks for every type that libblkid knows. Returns 0 with the type set, or a negative errno with
 * all tags empty: -ENODATA if nothing was found, -ENOTUNIQ if there are several signatures (one is
 * left over), another if the device cannot be read. A member of a RAID or a volume group, or an
 * encrypted volume, is that, whatever else the bytes look like. A label of more than 255 bytes is
 * ignored.
 */
int probe_read(int fd, struct tags *ret_tags);

/*
 * Reads less, to find one device among many: looks for the usual root file systems, and for the rest
 * only if there is none of these. Returns as probe_read does. The file system found may be only the
 * remains in a container, so probe_read must confirm it, unless *ret_sure is set.
 */
int probe_guess(int fd, bool *ret_sure, struct tags *ret_tags);

/*
 * Lists all signatures on a device, each with its own tags and in libblkid's order. Returns how many
 * there are; 0 also if the device cannot be read.
 */
size_t probe_signatures(int fd, struct tags ret_marks[static PROBE_SIGNATURES_MAX]);

/* A partition in its table. Strings are NULL if the table does not have them. */
struct probe_partition {
	unsigned number;
	const char *uuid; /* PARTUUID */
	const char *name; /* of a GPT, in UTF-8 */
};

/*
 * Reads the partition table of a disk and calls each() for every partition. With force_gpt (the
 * word gpt on the kernel command line) a GPT is accepted without its protective MBR. Returns 0,
 * -ENODATA if there is no table, or another negative errno.
 */
int probe_partitions(int fd, bool force_gpt,
	void (*each)(const struct probe_partition *partition, void *context), void *context);
