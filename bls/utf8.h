/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * utf8: bytes that may be text, and where they must be text.
 *
 * A title or a path in an entry has whatever bytes its author wrote. A JSON document must be UTF-8
 * (RFC 8259, 8.1), and a terminal obeys control characters.
 */
#pragma once

#include "bls/text.h"

/* The length, 1 to 4, and the code point of the character (RFC 3629) at the beginning of string; 0
 * if it is not well-formed, and at the end of the string. */
size_t utf8_decode(const char *string, unsigned *ret_code);

/* True for a code point that a terminal obeys instead of showing it: C0, DEL, C1, and those of
 * Unicode's category Cf below U+10000 that end a line, reorder what follows or have no width. */
bool utf8_is_control(unsigned code);

/* The length of the byte order mark at the beginning: 3, or 0 without one. */
size_t utf8_mark(const char *bytes, size_t size);

/* True for a string with such a character, or with a byte that is one outside UTF-8. */
bool utf8_has_control(const char *string);

/* Adds a string, with "?" for each control character and each byte that is not UTF-8. */
void utf8_add_printable(struct text *text, const char *string);
