/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text: a string of bytes that grows.
 *
 * If memory runs out, failed is set and later calls do nothing, so that a renderer reads like its
 * output. The caller checks failed before it uses the bytes.
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

/* Removes what an editor on Windows adds: the UTF-8 byte order mark at the beginning, and carriage
 * returns before each line feed and at the end. */
void text_drop_windows(struct text *text);

/* Removes everything after the first size bytes. */
void text_cut(struct text *text, size_t size);

void text_free(struct text *text);
