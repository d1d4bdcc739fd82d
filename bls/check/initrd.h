/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initrd: what an initramfs has in it: who made it, its OSTree step and its kernel modules.
 *
 * An initramfs is one archive after the other, each plain or packed, with zeros between them (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst). A packed one is unpacked by the
 * program of its format, which may be missing; then it is not known what the image has. The image
 * is not trusted: only names and the beginning of /init are looked at, and no more than 1 GiB.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "bls/entry.h"
#include "bls/sysroot.h"
#include "bls/text.h"

enum initrd_maker {
	INITRD_UNKNOWN,
	INITRD_ROOTSTOCK,
	INITRD_DRACUT,
	INITRD_TOOLS,	/* initramfs-tools */
	INITRD_SYSTEMD, /* another one with systemd in it, for example of mkosi */
};

struct initrd {
	enum initrd_maker maker;
	bool ostree; /* it prepares the deployment */
	bool udev;
	char release[64];    /* of the kernel of its modules; "" if unknown */
	struct text modules; /* their names, for modules_have() */
	const char *unread; /* why a part of it is not known, as the end of a sentence; else NULL */
};

/* How its maker is called in a message. */
const char *initrd_name(enum initrd_maker maker);

/* Adds what is in the file at path in the directory boot_fd; a path that leads out of it is not
 * read. ret_initrd is empty before the first one, and must be freed. */
void initrd_read(int boot_fd, const char *path, struct initrd *ret_initrd);

/* The same for an open file. */
void initrd_take(FILE *file, struct initrd *initrd);

void initrd_free(struct initrd *initrd);

/* What the archives of an entry have together; NULL without memory. Entries with the same ones share
 * it: it is in *cache, which is NULL at first, until initrd_forget(). */
const struct initrd *initrd_of(
	void **cache, const struct sysroot *sysroot, const struct entry *entry);

void initrd_forget(void *cache);
