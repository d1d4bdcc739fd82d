/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verdict: what one boot loader can make of one entry.
 *
 * The menu is the same for all loaders and does not change after it was read. Each loader has an
 * array of verdicts beside it, one for each item, into which its render function writes.
 */
#pragma once

#include "bls/menu.h"

enum { VERDICT_WARNINGS_MAX = 8 };

struct verdict {
	bool in_menu;	    /* false for an entry with an error, or one that is hidden */
	int error;	    /* 0, or a negative errno: the entry is left out, because of where */
	struct where where; /* the cause of the error */
	const char *remedy; /* what lets the entry into the menu all the same, or NULL */
	struct where warnings[VERDICT_WARNINGS_MAX]; /* it is in the menu, but not all of it */
	unsigned warning_count;
};

/* One verdict for each item, as it was read: whatever the loader, an item with an error is left out
 * and a hidden one is not in the menu. To be freed with free(3); NULL without memory. */
struct verdict *verdict_new(const struct menu *menu);

/* Leaves the entry out of the menu. Returns error. */
int verdict_refuse(struct verdict *verdict, int error, unsigned line, const char *what);

/* Adds a warning, once for each line and text. There are fewer kinds of warnings than
 * VERDICT_WARNINGS_MAX; any beyond that number are dropped. */
void verdict_warn(struct verdict *verdict, unsigned line, const char *what);
