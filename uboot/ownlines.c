/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/ownlines.h"

#include <string.h>

#include "uboot/uenv.h"

struct record {
	const char *start; /* after leading blanks */
	size_t length;	   /* without the line end; may contain "\" LF */
	unsigned line;
};

/* As himport_r: "\" escapes a LF only in a value, that is after "=", not in a comment or a name. */
static size_t find_end(const char *bytes, size_t size)
{
	bool in_value = false, escaped = false;
	size_t i;

	for (i = 0; i < size && (bytes[i] != '\n' || escaped); i++) {
		if (in_value)
			escaped = bytes[i] == '\\' && !escaped;
		else
			in_value = bytes[i] == '=' && *bytes != '#';
	}
	return i;
}

/* Why a record is left out, or NULL. */
static const char *judge(const struct record *record)
{
	const char *equals = memchr(record->start, '=', record->length);
	size_t length = equals ? (size_t)(equals - record->start) : record->length;

	if (!record->length || *record->start == '#')
		return NULL;
	if (!length)
		return "a line without a name before its \"=\" would end the import";
	if (uenv_owns(record->start, length))
		return "this variable is set by the menu";
	/* .flags and .callbacks control which variables can be set. */
	if (*record->start == '.')
		return "a variable that begins with \".\" would control the others";
	return NULL;
}

static void add_record(struct text *text, const struct record *record)
{
	bool value = memchr(record->start, '=', record->length) && *record->start != '#';
	size_t backslashes = 0;

	while (backslashes < record->length &&
		record->start[record->length - 1 - backslashes] == '\\')
		backslashes++;
	text_add_bytes(text, record->start, record->length);
	/* A single "\" at the end of the file is literal, but would escape the line end that is
	 * added. */
	if (value && backslashes % 2)
		text_add(text, "\\");
	text_add(text, "\n");
}

int ownlines_add(struct text *text, const struct text *lines, const char *name,
	const struct reporter *reporter)
{
	const char *at = lines->bytes, *stop;
	struct record record = { .line = 1 };

	if (!lines->size)
		return 0;
	stop = at + lines->size;
	if (memchr(at, '\0', lines->size)) {
		report(reporter, REPORT_ERROR, "%s has a NUL byte, so it is not a text file", name);
		return -1;
	}
	while (at < stop) {
		const char *what;

		while (at < stop && (*at == ' ' || *at == '\t'))
			at++;
		record.start = at;
		record.length = find_end(at, (size_t)(stop - at));
		what = judge(&record);
		if (what)
			report(reporter, REPORT_WARNING, "%s:%u: %s; it is left out", name,
				record.line, what);
		else
			add_record(text, &record);
		for (at = record.start; at < record.start + record.length; at++)
			record.line += *at == '\n';
		at++;
		record.line++;
	}
	return 0;
}
