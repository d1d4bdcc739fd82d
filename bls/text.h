/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text: bytes that grow until somebody writes them out.
 *
 * Running out of memory is remembered rather than reported by each call, so that a renderer reads
 * like its output; whoever writes the bytes out looks at failed first. What was added after a
 * certain point can be taken back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *bytes;
	size_t size;
	size_t room;
	bool failed;
};

void text_add_bytes(struct text *text, const char *bytes, size_t size);

/* Adds a string without its NUL. */
void text_add(struct text *text, const char *string);

/* Adds what printf(3) would print. */
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The bytes as a string, which is theirs, or NULL if there was not enough memory. */
char *text_string(struct text *text);

/*
 * Makes lines of what an editor on Windows has written: takes the UTF-8 byte order mark from the
 * beginning, and carriage returns from before each line feed and from the end.
 */
void text_drop_windows(struct text *text);

/* Takes back everything behind the first size bytes. */
void text_cut(struct text *text, size_t size);

void text_free(struct text *text);
