/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tags: what the bytes of a device say it is, by libblkid's low-level probe.
 *
 * The only place that knows libblkid's probe. Nothing is cached, nothing on the host is asked but
 * /sys, and the device is only read; a descriptor of a file with an image in it will do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct tags {
	char type[32];	 /* libblkid's name: ext4, vfat, crypto_LUKS, ...; "" for nothing known */
	bool filesystem; /* type can be mounted; swap and what holds something else cannot */
	char uuid[64];	 /* "" where there is none, likewise label */
	char label[256];
};

enum { PROBE_SIGNATURES_MAX = 8 };

/*
 * Looks for all that libblkid knows. Returns 0 with the type set, or -ENODATA where nothing is
 * known, -ENOTUNIQ where the bytes are two things at once (an old signature was left), another
 * negative errno where they cannot be read; then all tags are empty. A RAID, an encrypted or a
 * divided volume is that, whatever else the bytes look like. A label of more than 255 bytes is
 * taken for none.
 */
int probe_read(int fd, struct tags *ret_tags);

/*
 * Reads less, to look for one device among many: only the file systems that are often a root, and
 * the rest where it finds none of these. Returns as probe_read does. What it finds may be
 * the remains below something else, so probe_read must confirm it; ret_sure says that it has.
 */
int probe_guess(int fd, bool *ret_sure, struct tags *ret_tags);

/*
 * Lists all that the bytes look like, for -ENOTUNIQ and for what is below a container, each with
 * its own tags and in libblkid's order. Returns how many; 0 too where they cannot be read.
 */
size_t probe_signatures(int fd, struct tags ret_marks[static PROBE_SIGNATURES_MAX]);

/* A partition as its table describes it. Strings are NULL where the table has none. */
struct probe_partition {
	unsigned number;
	const char *uuid; /* PARTUUID */
	const char *name; /* of a GPT, in UTF-8 */
};

/*
 * Reads the partition table of a disk and calls each() for every partition. With force_gpt (the
 * word gpt on the kernel command line) a GPT counts without the MBR that protects it. Returns 0,
 * -ENODATA where there is no table, or another negative errno.
 */
int probe_partitions(int fd, bool force_gpt,
	void (*each)(const struct probe_partition *partition, void *context), void *context);
