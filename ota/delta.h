/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delta: the difference of two commits: in the repository, for devices that pull, or as one file that
 * has everything, for a device without a network.
 */
#pragma once

#include <ostree.h>

struct delta {
	const char *branch;
	const char
		*from; /* a revision; NULL: the parent of the branch's commit; "": from nothing */
	const char *file;   /* to write, with everything in it; NULL: into the repository */
	gboolean no_bsdiff; /* less memory and time for a weak device, and a larger file */
};

/* Makes it. An old file stays whole until the new one is. *ret_size is that of the file, in bytes. */
gboolean delta_make(OstreeRepo *repo, const struct delta *delta, guint64 *ret_size, GError **error);
