/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Escaping values for uEnv.txt, and the warning if a board's script might change a value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "uboot/escape.h"

static void test_add(void **state)
{
	static const struct {
		const char *value;
		const char *line;
	} cases[] = {
		{ NULL, "name=\n" },
		{ "", "name=\n" },
		{ "a b", "name=a b\n" },
		{ "\\", "name=\\\\\n" },
		{ "\\\\a\\x2d\\", "name=\\\\\\\\a\\\\x2d\\\\\n" },
		{ " '\"$;#=\t\r\x01\xff", "name= '\"$;#=\t\r\x01\xff\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text text = { 0 };

		escape_add(&text, "name", cases[i].value);
		text_add_bytes(&text, "", 1);
		assert_false(text.failed);
		assert_string_equal(text.bytes, cases[i].line);
		text_free(&text);
	}
}

static void test_fragile(void **state)
{
	static const char *const sound[] = { "", "a", "a b", "a#b", "a=$x;|&{}()*?<>%`~!",
		"\xff\x01", "1 2 3 4 5 6 7 8 9 10 11 12 13" };
	static const char *const fragile[] = { "'", "a\"", "\\", "a\tb", "a  b", " #", "#a", "a #b",
		"a\x04" };

	(void)state;
	for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
		assert_null(escape_fragile(sound[i]));
	for (size_t i = 0; i < sizeof fragile / sizeof *fragile; i++)
		assert_non_null(strstr(escape_fragile(fragile[i]), "would change"));
	assert_non_null(strstr(escape_fragile("1 2 3 4 5 6 7 8 9 10 11 12 13 14"), "would fail"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_fragile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
