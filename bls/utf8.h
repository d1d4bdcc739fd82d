/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * utf8: bytes that may be text, shown where they must be text.
 *
 * A title or a path in an entry has whatever bytes its author gave it. A JSON document has to be
 * UTF-8 (RFC 8259, 8.1) and a terminal takes control characters for orders, so both ask here.
 */
#pragma once

#include "bls/text.h"

/*
 * The length, 1 to 4, of the well-formed character (RFC 3629) with which string begins, and its
 * code point; 0 for a byte with which none begins, and at the end of the string.
 */
size_t utf8_decode(const char *string, unsigned *ret_code);

/*
 * True for a code point that a terminal does not show but obeys: C0, DEL and C1, and those of
 * Unicode's category Cf that end a line, reorder what follows or have no width, all below U+10000.
 */
bool utf8_is_control(unsigned code);

/* The length of the byte order mark that a text begins with, which is 3, or 0. */
size_t utf8_mark(const char *bytes, size_t size);

/* Adds a string with "?" for each control character and for each byte that is in no character. */
void utf8_add_printable(struct text *text, const char *string);
