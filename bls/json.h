/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json: a JSON document (RFC 8259), written from beginning to end.
 *
 * The caller opens and closes objects and arrays in pairs; commas, quotes and escapes are added
 * here. The result is always valid UTF-8: a byte that is not UTF-8 becomes U+FFFD, so the original
 * string cannot be recovered from it. Control characters are escaped.
 */
#pragma once

#include "bls/text.h"

struct json {
	struct text *text;
	bool after_value; /* the next one needs a comma */
};

/* In an object each value has a name; in an array, and for the whole document, it is NULL. */

/* bracket is '{' or '['. */
void json_open(struct json *json, const char *name, char bracket);

/* bracket is '}' or ']'. */
void json_close(struct json *json, char bracket);

void json_string(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, long value);
void json_bool(struct json *json, const char *name, bool value);
