/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/way.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void add_line(struct way *way, const char *format, va_list arguments)
{
	char *line;

	if (vasprintf(&line, format, arguments) < 0) {
		way->text.failed = true;
		return;
	}
	text_add(&way->text, line);
	text_add(&way->text, "\n");
	free(line);
}

void way_step(struct way *way, const char *format, ...)
{
	va_list arguments;

	text_print(&way->text, "%2u. ", ++way->steps);
	va_start(arguments, format);
	add_line(way, format, arguments);
	va_end(arguments);
}

void way_note(struct way *way, const char *format, ...)
{
	va_list arguments;

	text_add(&way->text, "    ");
	va_start(arguments, format);
	add_line(way, format, arguments);
	va_end(arguments);
}

void way_free(struct way *way)
{
	text_free(&way->text);
	*way = (struct way){ 0 };
}
