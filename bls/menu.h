/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menu: a directory of boot loader entries, in the order in which a boot loader should show them.
 *
 * The order is the Boot Loader Specification's (UAPI.1, "Sorting"): entries whose boot count says
 * bad come last; of two entries with a sort-key the lower sort-key, the lower machine-id, the newer
 * version; an entry with a sort-key before one without; then the file name, newest first.
 *
 * libostree orders its own entries by their version key alone (strverscmp, newest first). Its names
 * are ostree-VERSION.conf (since 2024.5), ostree-VERSION-STATEROOT.conf (2022.7) and, longest ago,
 * ostree-STATEROOT-INDEX.conf. VERSION counts all deployments of a sysroot and not those of one
 * stateroot, so for the first two the file name says the same as the version key, also with two
 * stateroots; for the third it says nothing of the kind, and for an entry renamed by hand neither.
 * What libostree boots and what the menu boots must be one deployment, so among names that begin
 * with "ostree-" and have no sort-key, which are the ones libostree reads as its own, the version
 * key comes before the file name, and against other names they all stand where "ostree-" stands.
 * Bad boot counts come last even there, although libostree does not look at them: the alternative
 * is a machine that starts a deployment known not to start.
 *
 * An entry that cannot be used keeps its place, so that a caller can see when the one that was to
 * be booted first is such an entry.
 */
#pragma once

#include <stdbool.h>

#include "bls/entry.h"

enum { MENU_ENTRIES_MAX = 512 };

struct menu_item {
	char *name;	     /* of the file, with ".conf" */
	char *stem;	     /* the same without ".conf" and boot counter */
	long left;	     /* boot counter: tries left, or -1 for an entry that is not counted */
	long done;	     /* failed tries */
	bool libostree;	     /* see above */
	const char *version; /* the version key; of libostree's without one, what its name says */
	struct entry entry;
	int error; /* 0, or a negative errno: not to be used, because of where */
	struct where where;
};

struct menu {
	struct menu_item *items;
	size_t count;
};

/*
 * Adds an entry that was read from a file of this name. What is wrong with name or bytes is noted
 * in the item; names are limited as the specification says, but not those of libostree's own
 * entries. Returns 0, -E2BIG when there are MENU_ENTRIES_MAX entries, or -ENOMEM, after which the
 * menu is good for nothing but menu_free.
 */
int menu_add(struct menu *menu, const char *name, const char *bytes, size_t size);

/*
 * Reads the files of the directory that end in ".conf" and do not begin with "." into *ret_menu,
 * sorted. A file that cannot be read, a symlink for instance, becomes an item with an error.
 * Returns 0 or a negative errno of opening and reading the directory, -ENOMEM or -E2BIG; *ret_menu
 * must be freed in any case.
 */
int menu_read(int entries_fd, struct menu *ret_menu);

/* The end of a sentence about what menu_read() could not read. */
const char *menu_why(int error);

/* Puts the items in order; for callers of menu_add. */
void menu_sort(struct menu *menu);

/* Why the second of two items comes behind the first: the rule of the order that decides, as a
 * sentence about the second one, in static memory. */
const char *menu_reason(const struct menu_item *before, const struct menu_item *behind);

/*
 * True for an entry that is in order but for EFI: it has no linux line, or an efi, uki or uki-url
 * line (UAPI.1 hides those where EFI does not run them, whatever else they have). Architectures are
 * not looked at, because only a boot loader knows which one it runs on.
 */
bool menu_hidden(const struct menu_item *item);

/* The item to be booted first, whether or not it can be used; NULL when all are hidden. */
const struct menu_item *menu_first(const struct menu *menu);

/* The same for a loader that does not know libostree's order, as systemd-boot. */
const struct menu_item *menu_first_by_name(const struct menu *menu);

void menu_free(struct menu *menu);
