/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initrd: what an initramfs has in it: who made it, /init, its OSTree step and its kernel modules.
 *
 * An initramfs is a sequence of archives, each plain or packed, with zeros between them (Linux,
 * Documentation/driver-api/early-userspace/buffer-format.rst). The program of its format unpacks a
 * packed one; if that program is missing, the content is not known. What the kernel accepts
 * (unpack_to_rootfs() in init/initramfs.c) is accepted. The image is not trusted: only names, the
 * beginning of /init and the settings of ostree-prepare-root are looked at, in limited time and
 * memory (stream.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

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

/* The files with the settings of ostree-prepare-root, of which the first one counts. */
enum { INITRD_CONFS = 2 };

struct initrd {
	enum initrd_maker maker;
	mode_t init;	  /* of /init; 0: there is none */
	bool ostree;	  /* it prepares the deployment */
	bool shell;	  /* it has a /bin/sh */
	bool nested;	  /* most of it is in an image of a file system, which is not looked into */
	bool uimage;	  /* it has U-Boot's legacy header */
	char release[64]; /* of the kernel of its modules; "" if unknown */
	struct text modules;		 /* their names, for modules_have() */
	struct text confs[INITRD_CONFS]; /* bytes is NULL for one that is not there */
	/* Each is the end of a sentence, or NULL. */
	const char *unread; /* why a part of it is not known; "": because of damage or format, or
				 * the file is not there, which files_check() reports */
	const char *damage; /* why the kernel cannot unpack it */
	const char *format; /* why the kernel cannot unpack this format */
	const char *remedy; /* what to do about these three */
};

/* All that were read, empty at first. */
struct initrds {
	void *files;
	uint64_t used;	       /* see stream.h */
	struct initrd current; /* the last result of initrd_of() */
};

/* How its maker is called in a message. */
const char *initrd_name(enum initrd_maker maker);

/* How a file with settings is called in a message. */
const char *initrd_conf(size_t number);

/* Adds what is in an open regular file. initrd is empty before, and must be freed. *used as in
 * stream.h. */
void initrd_take(int fd, uint64_t *used, struct initrd *initrd);

void initrd_free(struct initrd *initrd);

/* What the files of an entry have together, until the next call; NULL without memory. A path that
 * leads out of ROOT/boot is not read, and no file is read twice. */
const struct initrd *initrd_of(
	struct initrds *initrds, const struct sysroot *sysroot, const struct entry *entry);

void initrd_forget(struct initrds *initrds);
