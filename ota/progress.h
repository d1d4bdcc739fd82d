/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * progress: how far a long step is, on standard error: one line that is overwritten on a terminal, else
 * a line every ten seconds.
 */
#pragma once

#include <glib.h>

struct progress {
	const char *what; /* such as "reading" */
	guint64 bytes, files;
	gint64 started, last; /* microseconds, of g_get_monotonic_time() */
	gboolean quiet, shown;
};

void progress_start(struct progress *progress, const char *what, gboolean quiet);

/* Counts a file; shows the state from time to time. */
void progress_add(struct progress *progress, guint64 bytes);

/* Removes the line. */
void progress_end(struct progress *progress);
