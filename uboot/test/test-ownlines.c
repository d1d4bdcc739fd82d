/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the integrator's lines are copied to the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "uboot/ownlines.h"

static const struct reporter reporter = { .program = "test-ownlines" };

static int add(const char *bytes, size_t size, struct text *text)
{
	struct text lines = { 0 };
	int err;

	text_add_bytes(&lines, bytes, size);
	err = ownlines_add(text, &lines, "lines", &reporter);
	text_free(&lines);
	return err;
}

static void test_lines(void **state)
{
	static const struct {
		const char *lines;
		const char *kept;
	} cases[] = {
		{ "", "" },
		{ "a=1", "a=1\n" },
		{ "\ta=1\n\n b\n", "a=1\n\nb\n" },
		{ "a=1\n\t", "a=1\n\n" },
		{ "a=1\\", "a=1\\\\\n" },
		{ "a=1\\\\", "a=1\\\\\n" },
		{ "a=1\\\\\\", "a=1\\\\\\\\\n" },
		{ "a=1\\\nbootargs=2", "a=1\\\nbootargs=2\n" },
		{ "a=1\\\\\nbootargs=2", "a=1\\\\\n" },
		{ "a\\\nbootargs=2", "a\\\n" },
		{ "a\\", "a\\\n" },
		{ "# a=\\\nbootargs=2\n#", "# a=\\\n#\n" },
		{ "bootargs\nbootargs=\nbootargs10=1\nkernel_image2=\nx=y", "x=y\n" },
		{ "=a\n=\nb=1\n", "b=1\n" },
		{ ".flags=x\n.callbacks\n", "" },
		{ "rootstock_complete=1\nrootstock_completed=1\n", "rootstock_completed=1\n" },
		{ "bootargs =1\nbootarg=2\n2=3\n", "bootargs =1\nbootarg=2\n2=3\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct text text = { 0 };

		assert_int_equal(add(cases[i].lines, strlen(cases[i].lines), &text), 0);
		text_add_bytes(&text, "", 1);
		assert_string_equal(text.bytes, cases[i].kept);
		text_free(&text);
	}
}

static void test_nul(void **state)
{
	struct text text = { 0 };

	(void)state;
	assert_int_equal(add("a=1\n\0b=2", 8, &text), -1);
	assert_int_equal(text.size, 0);
	text_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
