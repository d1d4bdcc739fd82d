/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menu: a directory of boot loader entries, in the order in which a boot loader should show them.
 *
 * The order is the Boot Loader Specification's (UAPI.1, "Sorting"). Entries whose boot count is bad
 * come last. An entry with a sort-key comes before one without. Of two with a sort-key, the lower
 * sort-key comes first, then the lower machine-id, then the newer version. The file name decides
 * last: the newest comes first.
 *
 * libostree orders its own entries by their version key alone (strverscmp, newest first). Its names
 * are ostree-VERSION.conf (since 2024.5), ostree-VERSION-STATEROOT.conf (2022.7) and, before that,
 * ostree-STATEROOT-INDEX.conf. VERSION counts all deployments of a sysroot, so with the first two
 * the file name gives the same order as the version key. With the third, or after a user renamed an
 * entry, it does not. The menu must boot the deployment that libostree means. Entries whose name
 * begins with "ostree-" and that have no sort-key are libostree's own: among these the version key
 * comes before the file name, and other entries compare with all of them as with "ostree-". Bad
 * boot counts come last even among these, although libostree ignores boot counts: otherwise the
 * machine would boot a deployment that is known to fail.
 *
 * An entry that cannot be used keeps its place, so that a caller can see whether the first one is
 * such an entry.
 */
#pragma once

#include <stdbool.h>

#include "bls/entry.h"

enum { MENU_ENTRIES_MAX = 512 };

struct menu_item {
	char *name;	     /* of the file, with ".conf" */
	char *stem;	     /* the same without ".conf" and boot counter */
	long left;	     /* boot counter: tries left; -1 without a counter */
	long done;	     /* failed tries */
	bool libostree;	     /* see above */
	const char *version; /* the version key, else what a name of libostree's says */
	struct entry entry;
	int error; /* 0, or a negative errno: it cannot be used, because of where */
	struct where where;
};

struct menu {
	struct menu_item *items;
	size_t count;
};

/* Adds an entry that was read from a file of this name. If the name or the bytes are wrong, the
 * item has an error. The specification's limits for names do not apply to libostree's own entries.
 * Returns 0, -E2BIG if there are MENU_ENTRIES_MAX entries already, or -ENOMEM, after which the menu
 * can only be freed. */
int menu_add(struct menu *menu, const char *name, const char *bytes, size_t size);

/*
 * Reads the files of the directory whose names end in ".conf" and do not begin with ".", sorted. A
 * file that cannot be read, for example a symlink, becomes an item with an error. Returns 0,
 * -ENOMEM, -E2BIG, or the negative errno of reading the directory. *ret_menu must be freed in any
 * case.
 */
int menu_read(int entries_fd, struct menu *ret_menu);

/* Why menu_read() failed, as the end of a sentence. */
const char *menu_why(int error);

/* Sorts the items, after calls of menu_add(). */
void menu_sort(struct menu *menu);

/* Why the second item comes after the first: a sentence about the second, in static memory. */
const char *menu_reason(const struct menu_item *first, const struct menu_item *second);

/* True for a valid entry that is for EFI: it has no linux line, or has an efi, uki or uki-url line
 * (UAPI.1: without EFI such an entry is hidden). The architecture does not count, because only the
 * boot loader knows which one it runs on. */
bool menu_hidden(const struct menu_item *item);

/* The first item that is not hidden, even if it has an error; NULL if there is none. */
const struct menu_item *menu_first(const struct menu *menu);

/* The same for a loader that does not know libostree's order, for example systemd-boot. */
const struct menu_item *menu_first_by_name(const struct menu *menu);

void menu_free(struct menu *menu);
