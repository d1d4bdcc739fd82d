/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * intake: the entries of one or more sources, put where they belong in a tree.
 *
 * Later sources lie over earlier ones. Of two entries of one source that end at the same place, such
 * as bin/x and usr/bin/x, one is kept if they are equal or one is a symlink to the other; otherwise
 * they are refused. What is refused is written into the ledger, so that one run names everything.
 */
#pragma once

#include "ota/ledger.h"
#include "ota/objects.h"
#include "ota/place.h"
#include "ota/progress.h"
#include "ota/source.h"
#include "ota/tree.h"

struct intake {
	struct objects *objects;
	struct node *root;
	struct ledger *ledger;
	place_without without;
	const char *const *allowed_keys; /* paths in the source, or NULL */

	/* Set here. */
	unsigned layer;		  /* the number of the source that is read, from 1 */
	gint64 newest;		  /* the newest time of any entry */
	GHashTable *merged;	  /* symlinks such as lib64, which merge removes: name to target */
	struct progress progress; /* of the source that is read */
};

/* Prepares an intake whose first fields are set; and frees what intake_open() made. */
void intake_open(struct intake *intake);
void intake_close(struct intake *intake);

/* Takes a whole source. */
gboolean intake_read(struct intake *intake, const char *source, GError **error);

/* Files with these paths in the tree keep their content for layout.h, up to 1 MiB. */
extern const char *const intake_wanted[];
