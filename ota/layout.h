/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout: what a tree needs besides the right places of its files: the links for what was moved, an
 * empty /var and what fills it, one kernel where libostree looks for it, and no identity of a machine.
 *
 * Every action is written into the ledger, with its reason.
 */
#pragma once

#include "ota/intake.h"

struct layout {
	struct objects *objects;
	struct node *root;
	struct ledger *ledger;
	place_without without;
	GHashTable *merged;	/* from the intake */
	const char *kernel;	/* the version to take; NULL: the only one */
	const char *initramfs;	/* a file on the host, or "auto": see initramfs.h; NULL: none */
	const char *devicetree; /* likewise */

	const char *programs;	    /* see programs.h */
	const char *const *modules; /* more of them for "auto", or NULL */

	/* Set here. */
	char *release;	  /* of the kernel; the caller's */
	unsigned machine; /* EM_... of the kernel; 0: it does not show it */
};

/* Makes the tree ready. What would not boot, and what is refused, is only in the ledger. */
gboolean layout_apply(struct layout *layout, GError **error);
