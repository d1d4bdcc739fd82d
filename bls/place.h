/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * place: where a generator reads entries and writes its output, and what goes in front of the
 * paths.
 *
 * Nothing is taken from the running system: everything follows from the command line and from two
 * variables of the environment, _OSTREE_GRUB2_BOOTVERSION, with which libostree says that it is the
 * caller and which of loader.0 and loader.1 it has just written, and OSTREE_BOOT_PARTITION, the
 * path prefix as libostree's own generator script knows it.
 *
 * Entries are, in this order: --entries DIR; in libostree's hook ROOT/boot/loader.B/entries (on EFI
 * the output does not stand beside them); entries/ beside the output. ROOT is --root DIR, else what
 * stands before the last /boot/ of the output's name; in the hook, before the last one behind which
 * loader.B/entries is, because GRUB's own directory may be /boot/efi/EFI/boot.
 *
 * The boot loader sees paths from the root of the file system that holds /boot. The prefix auto is
 * "/boot" where ROOT/boot/loader is a symlink, because libostree keeps the symlink /boot/boot -> .
 * and so "/boot/..." is right whether or not /boot is a file system of its own; and "" where it is
 * a real directory, which means a FAT /boot, where symlinks do not exist.
 */
#pragma once

#include "bls/report.h"

/* What the command line says. */
struct place_wish {
	const char *out;     /* "-" is standard output */
	const char *root;    /* NULL: what stands before /boot/ in out */
	const char *entries; /* NULL: found by the rules above */
	const char *prefix;  /* "auto", "none" or a path that begins with "/" */
};

struct place {
	int entries_fd;
	char *entries; /* its name, for messages */
	const char *out;
	int out_fd;	/* the directory of the output, or -1 for standard output */
	char *out_name; /* in that directory */
	char *prefix;	/* "" or a path without "/" at its end */
	int root_fd;	/* -1 where neither --root nor the output's name tells */
	char *root;	/* with "/" at its end, for messages */
};

/* False, with the reason reported, for a wish that cannot mean anything. Nothing is opened. */
bool place_wish_valid(const struct place_wish *wish, const struct reporter *reporter);

/* Returns 0 or, with the reason reported, -1. *ret_place must be closed in any case. */
int place_find(
	const struct place_wish *wish, const struct reporter *reporter, struct place *ret_place);

/*
 * A path of an entry as it is below /boot: without the prefix, where libostree's sysroot.bootprefix
 * has put it there already; otherwise path itself.
 */
const char *place_below(const char *path, const char *prefix);

/*
 * Whether a loader may read what is in this directory at this moment. Only loader.0 or loader.1 is
 * read by nobody, as long as the symlink loader leads to the other one.
 */
bool place_is_live(const struct place *place, int dir_fd);

void place_close(struct place *place);
