/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line is split by the kernel's rules, and the words that matter are found. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prepare-root/cmdline.h"

/* The words that next_arg() of Linux 6.1 returns, each as "NAME|VALUE;" or "NAME;". */
static const struct {
	const char *text, *words;
} splits[] = {
	{ "", "" },
	{ "  \t\n ", "" },
	{ "quiet", "quiet;" },
	{ "a=b\n", "a|b;" },
	{ "a=b=c d=", "a|b=c;d|;" },
	{ "=x y", "=x;y;" },
	{ "a=\"b c\" d", "a|b c;d;" },
	{ "\"a=b c\" d", "a|b c;d;" },
	{ "\"a=\"b", "a|b;" },
	{ "a=x\"y z\"w", "a|x\"y z\"w;" },
	{ "a=\"b", "a|b;" },
	{ "\"", ";" },
	{ "a=\"\"", "a|;" },
	{ "\"\"", ";" },
	{ "a=\"x\"\"y\"", "a|x\"\"y;" },
	{ "foo=\"bar ostree=/x\" ostree=/y", "foo|bar ostree=/x;ostree|/y;" },
	{ "a=b\\ c", "a|b\\;c;" },
	{ "a\xa0"
	  "b",
		"a;b;" },
	{ "a -- b=c", "a;" },
	{ "a \"--\" b", "a;" },
	{ "a --=x b", "a;--|x;b;" },
	{ "\"=x=y\"", "=x|y;" },
};

static void splits_as_the_kernel(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
		char text[256], words[256] = "";
		struct karg karg;

		strcpy(text, splits[i].text);
		for (char *rest = text; (rest = cmdline_next(rest, &karg));) {
			strcat(words, karg.name);
			if (karg.value)
				strcat(strcat(words, "|"), karg.value);
			strcat(words, ";");
		}
		assert_string_equal(words, splits[i].words);
	}
}

static struct cmdline cmdline;

static void finds_what_matters(void **state)
{
	char text[] =
		"root=/dev/vda ostree=/first quiet ostree=/second init=/a init=/b rootstock.onfail=halt rootstock.onfail=reboot:3 androidboot.serialno=1 androidboot.slot_suffix=_a ostree.x=1 ostree.prepare-root.x=1 ostree.prepare-root.composefs=a ostree.prepare-root.composefs=b ostree.prepare-root.y -- ostree=/third";
	char none[] = "ostree androidboot.foo=_a xostree=/y";
	char bare[] = "ostree.prepare-root.composefs";

	(void)state;
	cmdline_parse(text, &cmdline);
	assert_int_equal(cmdline.count, 15);
	assert_string_equal(cmdline.words[0].name, "root");
	assert_string_equal(cmdline.words[0].value, "/dev/vda");
	assert_string_equal(cmdline.words[2].name, "quiet");
	assert_null(cmdline.words[2].value);
	assert_string_equal(cmdline.words[14].name, "ostree.prepare-root.y");
	assert_string_equal(cmdline.ostree, "/first");
	assert_string_equal(cmdline.init, "/b");
	assert_string_equal(cmdline.onfail, "reboot:3");
	assert_string_equal(cmdline.slot, "_a");
	assert_string_equal(cmdline.composefs, "a");
	assert_string_equal(cmdline.unknown, "ostree.prepare-root.x");
	cmdline_parse(none, &cmdline);
	assert_null(cmdline.ostree);
	assert_null(cmdline.slot);
	assert_null(cmdline.composefs);
	cmdline_parse(bare, &cmdline);
	assert_string_equal(cmdline.composefs, "");
	assert_null(cmdline.unknown);
}

static void cuts_at_a_word(void **state)
{
	static const struct {
		const char *text, *left;
	} cases[] = {
		{ "", "" },
		{ "ostree=/x", "" },
		{ "quiet ostree=/x", "quiet" },
		{ "quiet\tostree=/x ", "quiet\tostree=/x" },
		{ "quiet a=\"b c\" d", "quiet a=\"b c\"" },
		{ "quiet a=\"b c d", "quiet" },
		{ "quiet \"a b=c d", "quiet" },
		{ "quiet x\"y z\" a", "quiet x\"y z\"" },
		{ "a\xa0"
		  "b",
			"a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[64];

		strcpy(text, cases[i].text);
		cmdline_cut(text);
		assert_string_equal(text, cases[i].left);
	}
}

static void tells_who_is_called(void **state)
{
	(void)state;
	assert_true(cmdline_names_prepare_root("/usr/lib/ostree/ostree-prepare-root"));
	assert_true(cmdline_names_prepare_root("/ostree-prepare-root"));
	assert_false(cmdline_names_prepare_root("ostree-prepare-root"));
	assert_false(cmdline_names_prepare_root("/my-ostree-prepare-root"));
	assert_false(cmdline_names_prepare_root("/ostree-prepare-root-static"));
	assert_false(cmdline_names_prepare_root("/sbin/init"));
	assert_false(cmdline_names_prepare_root(""));
}

/* As many words as fit into the array are kept. */
static void keeps_all_words(void **state)
{
	enum { ROOM = sizeof cmdline.words / sizeof *cmdline.words };
	static char text[2 * ROOM + 3];

	(void)state;
	for (size_t i = 0; i < ROOM + 1; i++)
		memcpy(text + 2 * i, i == ROOM - 1 ? "b " : "a ", 3);
	cmdline_parse(text, &cmdline);
	assert_int_equal(cmdline.count, ROOM);
	assert_string_equal(cmdline.words[ROOM - 1].name, "b");
	assert_null(cmdline.words[ROOM - 1].value);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits_as_the_kernel),
		cmocka_unit_test(finds_what_matters),
		cmocka_unit_test(cuts_at_a_word),
		cmocka_unit_test(tells_who_is_called),
		cmocka_unit_test(keeps_all_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
