/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON of any bytes, and decoding UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "bls/json.h"
#include "bls/utf8.h"

static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
		unsigned code;
	} cases[] = {
		{ "", 0, 0 },
		{ "a\x80", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\x80", 0, 0 },
		{ "\xbf\xbf", 0, 0 },
		{ "\xc1\xbf", 0, 0 },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xc3", 0, 0 },
		{ "\xc3"
		  "a",
			0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xed\xa0\x80", 0, 0 },
		{ "\xed\xbf\xbf", 0, 0 },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xe2\x82", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\xf4\x90\x80\x80", 0, 0 },
		{ "\xf0\x9f\x98", 0, 0 },
		{ "\xf8\x88\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned code = 0;

		assert_int_equal(utf8_decode(cases[i].bytes, &code), cases[i].length);
		assert_int_equal(code, cases[i].code);
	}
}

static void test_printable(void **state)
{
	struct text text = { 0 };

	(void)state;
	utf8_add_printable(&text, "a\x1b\xc3\xa4\xc2\x9b\x7f\xff\xc2\xa0\t");
	text_add_bytes(&text, "", 1);
	assert_string_equal(text.bytes, "a?\xc3\xa4???\xc2\xa0?");
	/* Bidirectional controls, a line separator, invisible characters; then their neighbours. */
	text_cut(&text, 0);
	utf8_add_printable(&text, "\u202ea\u2066\u2029\u200b\ufeff\u061c|\u2010\u202f\u2070\ufefe");
	text_add_bytes(&text, "", 1);
	assert_string_equal(text.bytes, "?a?????|\u2010\u202f\u2070\ufefe");
	text_free(&text);
}

static void test_json(void **state)
{
	struct text text = { 0 };
	struct json json = { .text = &text };

	(void)state;
	json_open(&json, NULL, '{');
	json_string(&json, "a\"", "\\\n\x7f\xc2\x85/\xc3\xa4\xe4");
	json_open(&json, "b", '[');
	json_close(&json, ']');
	json_open(&json, "c", '[');
	json_number(&json, NULL, -1);
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_bool(&json, NULL, true);
	json_string(&json, NULL, "\u202e\u202c");
	json_close(&json, ']');
	json_bool(&json, "d", false);
	json_close(&json, '}');
	text_add_bytes(&text, "", 1);
	assert_string_equal(text.bytes,
		"{\"a\\u0022\":\"\\u005c\\u000a\\u007f\\u0085/\xc3\xa4\xef\xbf\xbd\",\"b\":[],\"c\":[-1,{},true,\"\\u202e\\u202c\"],\"d\":false}");
	text_free(&text);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
