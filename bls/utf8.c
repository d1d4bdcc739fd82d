/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/utf8.h"

#include <string.h>

/* For each length: the fixed bits of the first byte, and the least code point. */
static const struct {
	unsigned char mask, lead;
	unsigned least;
} forms[] = {
	[1] = { 0x80, 0x00, 1 },
	[2] = { 0xe0, 0xc0, 0x80 },
	[3] = { 0xf0, 0xe0, 0x800 },
	[4] = { 0xf8, 0xf0, 0x10000 },
};

size_t utf8_decode(const char *string, unsigned *ret_code)
{
	const unsigned char *bytes = (const unsigned char *)string;
	size_t length = 1;
	unsigned code;

	while (length <= 4 && (bytes[0] & forms[length].mask) != forms[length].lead)
		length++;
	if (length > 4)
		return 0;
	code = bytes[0] & (unsigned char)~forms[length].mask;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < forms[length].least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return length;
}

bool utf8_is_control(unsigned code)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {
		{ 0x00, 0x1f },
		{ 0x7f, 0x9f },
		{ 0x061c, 0x061c },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

bool utf8_has_control(const char *string)
{
	while (*string) {
		unsigned code = (unsigned char)*string;
		size_t length = utf8_decode(string, &code);

		if (utf8_is_control(code))
			return true;
		string += length ? length : 1;
	}
	return false;
}

size_t utf8_mark(const char *bytes, size_t size)
{
	return size >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
}

void utf8_add_printable(struct text *text, const char *string)
{
	while (*string) {
		unsigned code;
		size_t length = utf8_decode(string, &code);

		if (length && !utf8_is_control(code))
			text_add_bytes(text, string, length);
		else
			text_add(text, "?");
		string += length ? length : 1;
	}
}
