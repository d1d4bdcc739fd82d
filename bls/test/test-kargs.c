/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splitting options into words, with the range of each word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bls/kargs.h"

static void test_ranges(void **state)
{
	static const struct {
		const char *options;
		const char *words[4]; /* as written in the options */
	} cases[] = {
		{ "", { NULL } },
		{ "  ", { NULL } },
		{ "a", { "a" } },
		{ " a\tb= ", { "a", "b=" } },
		{ "a=b c=\"d e\" f", { "a=b", "c=\"d e\"", "f" } },
		{ "\"a b\" \"c=d e\"", { "\"a b\"", "\"c=d e\"" } },
		{ "a=\"b\"", { "a=\"b\"" } },
		{ "a=\"b ", { "a=\"b " } },
		{ "\"", { "\"" } },
		{ "a \"\" b", { "a", "\"\"", "b" } },
		{ "a -- b", { "a" } },
		{ "a \"--\" b", { "a" } },
		{ "a --b=c -", { "a", "--b=c", "-" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct kargs kargs;
		size_t n = 0;

		assert_int_equal(kargs_split(cases[i].options, &kargs), 0);
		for (; n < 4 && cases[i].words[n]; n++) {
			const struct kargs_word *word = &kargs.words[n];

			assert_true(n < kargs.count);
			assert_int_equal(word->end - word->start, strlen(cases[i].words[n]));
			assert_memory_equal(cases[i].options + word->start, cases[i].words[n],
				word->end - word->start);
		}
		assert_int_equal(kargs.count, n);
		kargs_free(&kargs);
	}
}

/* Each word alone, cut out by its range, is parsed as among the others. */
static void test_random(void **state)
{
	static const char bytes[] = "ab=\"\" \t-\xa0";
	unsigned seed = 3;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		char options[16] = { 0 };
		struct kargs kargs;
		size_t length, last = 0;

		seed = seed * 1103515245 + 12345;
		length = (seed >> 16) % 15;
		for (size_t i = 0; i < length; i++) {
			seed = seed * 1103515245 + 12345;
			options[i] = bytes[(seed >> 16) % (sizeof bytes - 1)];
		}
		assert_int_equal(kargs_split(options, &kargs), 0);
		for (size_t i = 0; i < kargs.count; i++) {
			const struct kargs_word *word = &kargs.words[i];
			char *alone = strndup(options + word->start, word->end - word->start);
			struct kargs one;

			assert_true(word->start >= last && word->end > word->start);
			last = word->end;
			assert_int_equal(kargs_split(alone, &one), 0);
			assert_int_equal(one.count, 1);
			assert_int_equal(one.words[0].end, strlen(alone));
			assert_string_equal(one.words[0].karg.name, word->karg.name);
			if (word->karg.value)
				assert_string_equal(one.words[0].karg.value, word->karg.value);
			else
				assert_null(one.words[0].karg.value);
			kargs_free(&one);
			free(alone);
		}
		kargs_free(&kargs);
	}
}

static void test_first(void **state)
{
	struct kargs kargs;

	(void)state;
	assert_int_equal(kargs_split("ostree \"ostree=/a b\" ostree=/c -- x=y", &kargs), 0);
	assert_string_equal(kargs_first(&kargs, "ostree"), "/a b");
	assert_null(kargs_first(&kargs, "x"));
	kargs_free(&kargs);
}

/* Which words the warning about GRUB's variables is for. */
static void test_variables(void **state)
{
	static const struct {
		const char *word;
		bool warns;
	} cases[] = { { "$ignition_firstboot", true }, { "${kernelopts}", true }, { "$_", true },
		{ "\"$tuned_params\"", true }, { "$", false }, { "${}", false }, { "${a", false },
		{ "$a}", false }, { "$6$salt", false }, { "$a=b", false }, { "a=$b", false },
		{ "x$a", false }, { "$a.b", false }, { "a", false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char bytes[64];
		int size = snprintf(bytes, sizeof bytes, "linux /k\noptions %s\n", cases[i].word);
		struct verdict verdict = { 0 };
		struct entry entry;
		struct where where;
		struct kargs kargs;

		print_message("# %s\n", cases[i].word);
		assert_int_equal(entry_parse(bytes, (size_t)size, &entry, &where), 0);
		assert_int_equal(kargs_split(entry.options, &kargs), 0);
		assert_int_equal(kargs.count, 1);
		assert_false(kargs_drop(&entry, &kargs.words[0], &verdict));
		assert_int_equal(verdict.warning_count, cases[i].warns);
		if (cases[i].warns)
			assert_int_equal(verdict.warnings[0].line, 2);
		kargs_free(&kargs);
		entry_free(&entry);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_variables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
