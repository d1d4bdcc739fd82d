/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/escape.h"

#include <stdbool.h>
#include <string.h>

/* CONFIG_SYS_MAXARGS of most boards before 2024, less "setenv", "bootargs" and one more word. */
enum { WORDS_MAX = 13 };

/* hush uses byte 4 itself. */
static const char special[] = "'\"\\\t\x04";

void escape_add(struct text *text, const char *name, const char *value)
{
	text_add(text, name);
	text_add(text, "=");
	while (value && *value) {
		size_t plain = strcspn(value, "\\");

		text_add_bytes(text, value, plain);
		value += plain;
		if (*value) {
			text_add(text, "\\\\");
			value++;
		}
	}
	text_add(text, "\n");
}

const char *escape_fragile(const char *value)
{
	unsigned words = 0;
	bool in_word = false;

	for (const char *c = value; *c; c++) {
		bool blank = *c == ' ';

		if (strchr(special, *c) || (blank && c[1] == ' ') || (!in_word && *c == '#'))
			return "a board's own \"setenv bootargs ${bootargs} ...\" would change this line (boot.cmd has none): quotes, backslashes, runs of blanks and \"#\" do not survive it";
		words += !blank && !in_word;
		in_word = !blank;
	}
	return words <= WORDS_MAX
		       ? NULL
		       : "a board's own \"setenv bootargs ${bootargs} ...\" would fail: this line has more than the 13 words that many boards take";
}
