/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bls/json.h"
#include "bls/text.h"
#include "bls/utf8.h"

/* How many paths of a line are shown to a person. */
enum { PATHS_SHOWN = 5 };

struct line {
	enum ledger_kind kind;
	char *rule, *reason;
	GPtrArray *paths;
};

struct ledger {
	GPtrArray *lines; /* in the order in which they came */
	GHashTable *known;
};

static void free_line(gpointer data)
{
	struct line *line = data;

	g_free(line->rule);
	g_free(line->reason);
	g_ptr_array_unref(line->paths);
	g_free(line);
}

struct ledger *ledger_new(void)
{
	struct ledger *ledger = g_new(struct ledger, 1);

	ledger->lines = g_ptr_array_new_with_free_func(free_line);
	ledger->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return ledger;
}

void ledger_free(struct ledger *ledger)
{
	g_ptr_array_unref(ledger->lines);
	g_hash_table_unref(ledger->known);
	g_free(ledger);
}

void ledger_add(struct ledger *ledger, enum ledger_kind kind, const char *rule, const char *path,
	const char *format, ...)
{
	g_autofree char *reason = NULL, *key = NULL;
	struct line *line;
	va_list arguments;

	va_start(arguments, format);
	reason = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	key = g_strdup_printf("%d %s %s", (int)kind, rule, reason);
	line = g_hash_table_lookup(ledger->known, key);
	if (!line) {
		line = g_new0(struct line, 1);
		line->kind = kind;
		line->rule = g_strdup(rule);
		line->reason = g_steal_pointer(&reason);
		line->paths = g_ptr_array_new_with_free_func(g_free);
		g_ptr_array_add(ledger->lines, line);
		g_hash_table_insert(ledger->known, g_steal_pointer(&key), line);
	}
	g_ptr_array_add(line->paths, g_strdup(path));
}

guint ledger_count(const struct ledger *ledger, enum ledger_kind kind)
{
	guint count = 0;

	for (guint i = 0; i < ledger->lines->len; i++) {
		const struct line *line = g_ptr_array_index(ledger->lines, i);

		if (line->kind == kind)
			count += line->paths->len;
	}
	return count;
}

/* What each kind is called: for programs, and for people with one path and with several. */
static const struct {
	const char *id, *word;
} kinds[LEDGER_KINDS] = {
	[LEDGER_MOVED] = { "moved", "moved" },
	[LEDGER_LEFT_OUT] = { "left-out", "left out" },
	[LEDGER_MADE] = { "made", "made" },
	[LEDGER_CHANGED] = { "changed", "changed" },
	[LEDGER_LOST] = { "lost", "not for updated devices" },
	[LEDGER_WARNING] = { "warning", "warning" },
	[LEDGER_NO_BOOT] = { "no-boot", "would not boot" },
	[LEDGER_REFUSED] = { "refused", "refused" },
};

static void print_line(struct text *text, const struct line *line)
{
	const guint count = line->paths->len;

	text_print(text, "%s (%s): ", kinds[line->kind].word, line->rule);
	for (guint i = 0; i < MIN(count, PATHS_SHOWN); i++) {
		text_add(text, i ? ", " : "");
		utf8_add_printable(text, g_ptr_array_index(line->paths, i));
	}
	if (count > PATHS_SHOWN)
		text_print(text, " and %u more", count - PATHS_SHOWN);
	text_add(text, ": ");
	utf8_add_printable(text, line->reason);
	text_add(text, "\n");
}

static void print_json(struct text *text, const struct ledger *ledger)
{
	struct json json = { .text = text };

	json_open(&json, NULL, '{');
	json_open(&json, "actions", '[');
	for (guint i = 0; i < ledger->lines->len; i++) {
		const struct line *line = g_ptr_array_index(ledger->lines, i);

		json_open(&json, NULL, '{');
		json_string(&json, "kind", kinds[line->kind].id);
		json_string(&json, "rule", line->rule);
		json_string(&json, "reason", line->reason);
		json_open(&json, "paths", '[');
		for (guint j = 0; j < line->paths->len; j++)
			json_string(&json, NULL, g_ptr_array_index(line->paths, j));
		json_close(&json, ']');
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_bool(&json, "commits", !ledger_count(ledger, LEDGER_REFUSED));
	json_bool(&json, "boots",
		!ledger_count(ledger, LEDGER_REFUSED) && !ledger_count(ledger, LEDGER_NO_BOOT));
	json_close(&json, '}');
	text_add(text, "\n");
}

gboolean ledger_print(const struct ledger *ledger, gboolean json)
{
	struct text text = { 0 };
	gboolean good;

	if (json)
		print_json(&text, ledger);
	/* The worst comes last, where a person looks. */
	for (enum ledger_kind kind = 0; !json && kind < LEDGER_KINDS; kind++)
		for (guint i = 0; i < ledger->lines->len; i++) {
			const struct line *line = g_ptr_array_index(ledger->lines, i);

			if (line->kind == kind)
				print_line(&text, line);
		}
	good = !text.failed && fwrite(text.bytes, 1, text.size, stdout) == text.size &&
	       fflush(stdout) == 0;
	text_free(&text);
	return good;
}
