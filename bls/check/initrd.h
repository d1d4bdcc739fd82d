/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initrd: what an initramfs has in it: who made it, its OSTree step and its kernel modules.
 *
 * An initramfs is a sequence of archives, each plain or packed, with zeros between them (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst). The program of its format unpacks a
 * packed one; if that program is missing, the content is not known. The image is not trusted: only
 * names and the beginning of /init are looked at, and no more than 1 GiB.
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
	bool ostree;	     /* it prepares the deployment */
	bool shell;	     /* it has a /bin/sh */
	char release[64];    /* of the kernel of its modules; "" if unknown */
	struct text modules; /* their names, for modules_have() */
	const char *unread; /* why a part of it is not known, as the end of a sentence; else NULL */
	const char *remedy; /* what to do about that */
};

/* How its maker is called in a message. */
const char *initrd_name(enum initrd_maker maker);

/* Adds what is in an open file. initrd is empty before the first one, and must be freed. */
void initrd_take(FILE *file, struct initrd *initrd);

void initrd_free(struct initrd *initrd);

/* What the archives of an entry have together; NULL without memory. A path that leads out of
 * ROOT/boot is not read. Entries with the same archives share the result, which stays in *cache
 * (NULL at first) until initrd_forget(). */
const struct initrd *initrd_of(
	void **cache, const struct sysroot *sysroot, const struct entry *entry);

void initrd_forget(void *cache);
