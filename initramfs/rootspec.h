/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootspec: which device root= means.
 *
 * It knows all of the kernel's spellings (Linux 6.1, init/do_mounts.c, name_to_dev_t), UUID= and
 * LABEL=, which only the contents of a file system tell, and udev's links /dev/disk/by-..., though
 * there is no udev. A source that is not a block device goes to mount(2) as it is.
 */
#pragma once

#include <sys/types.h>

#include "prepare-root/log.h"

enum rootspec_by {
	ROOTSPEC_NAME, /* text is the kernel's name, what follows /dev/ */
	ROOTSPEC_NUMBER,
	ROOTSPEC_UUID,
	ROOTSPEC_LABEL,
	ROOTSPEC_PARTUUID,
	ROOTSPEC_PARTLABEL,
	ROOTSPEC_SOURCE, /* ubi0:rootfs, mtd:root, the tag of a 9p or virtiofs share, ... */
};

enum { ROOTSPEC_MAX = 256 };

struct rootspec {
	enum rootspec_by by;
	char text[ROOTSPEC_MAX]; /* UUID and PARTUUID in any case */
	dev_t number;
	int offset; /* PARTNROFF=: that many partitions after the one with the PARTUUID */
};

/*
 * Reads the value of root=. With rootfstype= (fstypes not NULL) a value that is not a device is a
 * source. Returns 0, or -EINVAL with the sentence set.
 */
int rootspec_parse(
	const char *root, const char *fstypes, struct rootspec *ret_spec, struct fault *ret_fault);
