/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/progress.h"

#include <stdio.h>
#include <unistd.h>

/* Microseconds between two states, on a terminal and elsewhere. */
enum { ON_TERMINAL = G_USEC_PER_SEC / 5, ELSEWHERE = 10 * G_USEC_PER_SEC };

void progress_start(struct progress *progress, const char *what, gboolean quiet)
{
	const gint64 now = g_get_monotonic_time();

	*progress = (struct progress){ .what = what, .started = now, .last = now, .quiet = quiet };
}

void progress_add(struct progress *progress, guint64 bytes)
{
	const gboolean terminal = isatty(STDERR_FILENO) == 1;
	const gint64 now = g_get_monotonic_time();

	progress->bytes += bytes;
	progress->files++;
	if (progress->quiet || now - progress->last < (terminal ? ON_TERMINAL : ELSEWHERE))
		return;
	progress->last = now;
	progress->shown = terminal;
	(void)fprintf(stderr, "%s%s: %" G_GUINT64_FORMAT " files, %" G_GUINT64_FORMAT " MB%s",
		terminal ? "\r\033[K" : "", progress->what, progress->files,
		progress->bytes / 1000000, terminal ? "" : "\n");
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		(void)fputs("\r\033[K", stderr);
	progress->shown = FALSE;
}
