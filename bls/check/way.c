/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/way.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_line(struct way *way, const char *beginning, const char *format, va_list arguments)
{
	char *line;

	if (vasprintf(&line, format, arguments) < 0) {
		way->text.failed = true;
		return;
	}
	text_add(&way->text, beginning);
	text_add_bytes(&way->text, line, strlen(line) + 1);
	free(line);
}

void way_step(struct way *way, const char *format, ...)
{
	char number[16];
	va_list arguments;

	if (!way->wanted)
		return;
	(void)snprintf(number, sizeof number, "%2u. ", ++way->steps);
	va_start(arguments, format);
	add_line(way, number, format, arguments);
	va_end(arguments);
}

void way_note(struct way *way, const char *format, ...)
{
	va_list arguments;

	if (!way->wanted)
		return;
	va_start(arguments, format);
	add_line(way, "    ", format, arguments);
	va_end(arguments);
}

const char *way_next(const struct way *way, const char *line)
{
	const char *end = way->text.bytes + way->text.size;

	if (!way->text.size)
		return NULL;
	line = line ? line + strlen(line) + 1 : way->text.bytes;
	return line < end ? line : NULL;
}

void way_free(struct way *way)
{
	text_free(&way->text);
	*way = (struct way){ 0 };
}
