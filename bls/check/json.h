/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json: a JSON document (RFC 8259), written from its beginning to its end.
 *
 * The caller opens and closes objects and arrays in pairs; commas, quotes and escapes are made
 * here. The result is valid UTF-8 for any bytes: a byte that is not part of a well-formed character
 * becomes U+FFFD, so such a string is shown and cannot be had back. Control characters are escaped.
 */
#pragma once

#include "bls/text.h"

struct json {
	struct text *text;
	bool behind_value; /* the next one needs a comma */
};

/* Each value has a name in an object, and NULL in an array and for the whole document. */

/* bracket is '{' or '['. */
void json_open(struct json *json, const char *name, char bracket);

/* bracket is '}' or ']'. */
void json_close(struct json *json, char bracket);

void json_string(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, long value);
void json_bool(struct json *json, const char *name, bool value);
