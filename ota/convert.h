/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert: from sources to a tree that OSTree deploys: intake.h, then layout.h.
 */
#pragma once

#include "ota/layout.h"

struct convert {
	const char *const *sources;
	const char *const *allowed_keys; /* see intake.h */
	place_without without;
	const char *kernel, *initramfs, *devicetree; /* see layout.h */
	const char *programs, *loader;		     /* see programs.h */
	const char *const *modules;		     /* see initramfs.h */
	gboolean quiet;
};

/* What becomes of the sources. */
struct converted {
	struct node *root;
	struct ledger *ledger;
	char *release; /* of the kernel, or NULL */
	gint64 newest;
};

/* Stores into objects. FALSE is for a source that cannot be read; what is refused or would not boot is
 * in the ledger. *ret must be freed in any case. */
gboolean convert(const struct convert *convert, struct objects *objects, struct converted *ret,
	GError **error);

void converted_free(struct converted *converted);
