/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "prepare-root/closest.h"

static const char *const words[] = { "check", "list", "boot-prefix", "root", NULL };

static void one_edit(void **state)
{
	static const char *const cases[][2] = { { "chekc", "check" }, { "chec", "check" },
		{ "checkk", "check" }, { "cheek", "check" }, { "lsit", "list" }, { "ist", "list" },
		{ "lost", "list" }, { "rot", "root" }, { "foot", "root" } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(closest(cases[i][0], words), cases[i][1]);
}

static void more_edits_in_longer_words(void **state)
{
	(void)state;
	assert_string_equal(closest("bootprefx", words), "boot-prefix");
	assert_string_equal(closest("boto-perfix", words), "boot-prefix");
	/* Two edits of five letters. */
	assert_null(closest("chxxk", words));
	assert_null(closest("lsti-", words));
}

static void nothing_near(void **state)
{
	char longest[200];

	(void)state;
	assert_null(closest("", words));
	assert_null(closest("frobnicate", words));
	assert_null(closest("check", (const char *[]){ NULL }));
	memset(longest, 'a', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_null(closest(longest, words));
	assert_null(closest("root", (const char *[]){ longest, NULL }));
	/* At the limit. */
	longest[32] = '\0';
	assert_ptr_equal(closest(longest, (const char *[]){ longest, NULL }), longest);
}

static void the_nearest_and_the_first(void **state)
{
	static const char *const near[] = { "rooot", "roots", "root", NULL };

	(void)state;
	assert_ptr_equal(closest("root", near), near[2]);
	assert_ptr_equal(closest("rootx", near), near[1]);
	assert_ptr_equal(closest("rooots", near), near[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_edit),
		cmocka_unit_test(more_edits_in_longer_words),
		cmocka_unit_test(nothing_near),
		cmocka_unit_test(the_nearest_and_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
