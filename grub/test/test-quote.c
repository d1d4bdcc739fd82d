/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splitting options into words, refusing them, and measuring and quoting them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "grub/quote.h"

static void test_words(void **state)
{
	static const struct {
		const char *options;
		const char *words[5];
	} cases[] = {
		{ "", { NULL } },
		{ " \t ", { NULL } },
		{ "a", { "a" } },
		{ "  a\t\tb  ", { "a", "b" } },
		{ "a=b c=d=e", { "a=b", "c=d=e" } },
		{ "\"a b\" c", { "a b", "c" } },
		{ "a=\"b c\" d", { "a=b c", "d" } },
		{ "\"a=b c\"", { "a=b c" } },
		{ "a=\"\"", { "a=" } },
		{ "=a=\"b c\"", { "=a=b c" } },
		{ "a=\" \"", { "a= " } },
		{ "a=\"b\tc d\"", { "a=b\tc d" } },
		{ "a\xa0"
		  "b c\fd \v",
			{ "a\xa0"
			  "b",
				"c\fd", "\v" } },
		{ "$x #y ;z {", { "$x", "#y", ";z", "{" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *rest = cases[i].options, *what;
		char word[32];
		int n = 0;

		while (quote_next(&rest, word, &what)) {
			assert_null(what);
			assert_string_equal(word, cases[i].words[n++]);
		}
		assert_null(cases[i].words[n]);
		assert_string_equal(rest, "");
	}
}

static void test_refusals(void **state)
{
	static const struct {
		const char *options;
		const char *what;
	} cases[] = {
		{ "a\\b", "backslash" },
		{ "a'b", "single quote" },
		{ "a\rb", "carriage return" },
		{ "\"\"", "empty word" },
		{ "a\"b\"", "double quote inside" },
		{ "a\"b c\"d", "double quote inside" },
		{ "a=\"b\"c", "double quote inside" },
		{ "=\"a b\"", "double quote inside" },
		{ "\"a\"=\"b\"", "double quote inside" },
		{ "a=\"b", "not closed" },
		{ "\"", "not closed" },
		{ "a=\"b\tc\"", "mixture" },
		{ "a=\"\xa0\"", "mixture" },
		{ "a\f=\"b\"", "mixture" },
		{ "a\xa0=\"b c\"", "mixture" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *rest = cases[i].options, *what = NULL;
		char word[32];

		assert_true(quote_next(&rest, word, &what));
		assert_non_null(what);
		assert_non_null(strstr(what, cases[i].what));
	}
}

static void test_length(void **state)
{
	(void)state;
	assert_int_equal(quote_length("abc"), 3);
	assert_int_equal(quote_length("a=b c"), 7);
	assert_int_equal(quote_length("a\tb"), 3);
	assert_int_equal(quote_length("it's \\\""), 12);
}

static void test_add(void **state)
{
	struct text text = { 0 };

	(void)state;
	quote_add(&text, "");
	quote_add(&text, "$a \"b\" \\");
	quote_add(&text, "'it''s'");
	text_add_bytes(&text, "", 1);
	assert_false(text.failed);
	assert_string_equal(text.bytes, "'''$a \"b\" \\'''\\''it'\\'''\\''s'\\'''");
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
