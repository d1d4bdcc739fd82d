/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger: what a conversion does with a root file system, and why, for people and programs.
 *
 * What is the same for many paths is one line with their number.
 */
#pragma once

#include <glib.h>

enum ledger_kind {
	LEDGER_MOVED,
	LEDGER_LEFT_OUT,
	LEDGER_MADE,	/* a file or link that the source lacks */
	LEDGER_CHANGED, /* the content of a file */
	LEDGER_LOST,	/* what devices that are updated will not get */
	LEDGER_WARNING,
	LEDGER_NO_BOOT, /* why it would not boot */
	LEDGER_REFUSED, /* why there is no commit */
	LEDGER_KINDS
};

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* Adds a path under a rule, a short word; reason is the end of a sentence. Kind, rule and reason
 * together are one line. */
void ledger_add(struct ledger *ledger, enum ledger_kind kind, const char *rule, const char *path,
	const char *format, ...) G_GNUC_PRINTF(5, 6);

/* How many paths there are of a kind. */
guint ledger_count(const struct ledger *ledger, enum ledger_kind kind);

/* Prints all lines, or one JSON document, to standard output. Returns FALSE if that fails. */
gboolean ledger_print(const struct ledger *ledger, gboolean json);
