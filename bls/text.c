/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_add_bytes(struct text *text, const char *bytes, size_t size)
{
	if (text->failed || !size)
		return;
	if (size > text->room - text->size) {
		/* No overflow: both terms are sizes of memory that exists. */
		size_t room = text->room * 2 + size;
		char *grown = realloc(text->bytes, room);

		if (!grown) {
			text->failed = true;
			return;
		}
		text->bytes = grown;
		text->room = room;
	}
	memcpy(text->bytes + text->size, bytes, size);
	text->size += size;
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_print(struct text *text, const char *format, ...)
{
	va_list arguments;
	char *made;
	int size;

	va_start(arguments, format);
	size = vasprintf(&made, format, arguments);
	va_end(arguments);
	if (size < 0) {
		text->failed = true;
		return;
	}
	text_add_bytes(text, made, (size_t)size);
	free(made);
}

char *text_string(struct text *text)
{
	text_add_bytes(text, "", 1);
	return text->failed ? NULL : text->bytes;
}

void text_drop_windows(struct text *text)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t from = 0, size = 0, kept = 0;

	if (text->size >= strlen(mark) && !memcmp(text->bytes, mark, strlen(mark)))
		from = strlen(mark);
	/* kept is the end without the carriage returns that end a line. */
	for (; from < text->size; from++) {
		char c = text->bytes[from];

		if (c == '\n')
			size = kept;
		text->bytes[size++] = c;
		if (c != '\r')
			kept = size;
	}
	text->size = kept;
}

void text_cut(struct text *text, size_t size)
{
	if (size < text->size)
		text->size = size;
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}
