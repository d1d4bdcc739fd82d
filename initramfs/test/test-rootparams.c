/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parameters that the words of a kernel command line set. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "initramfs/test/words.h"

static struct rootparams parse(const char *words)
{
	print_message("# %s\n", words);
	return parse_words(words);
}

static void is(const char *got, const char *wanted)
{
	if (wanted) {
		assert_non_null(got);
		assert_string_equal(got, wanted);
	} else {
		assert_null(got);
	}
}

static void nothing_asked(void **state)
{
	static const char *const texts[] = { "", "\n", "-- root=/dev/sda ostree=/o rw rootwait",
		"xroot=a root.x=b root rootfstype rootflags init Root=c" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rootparams params = parse(texts[i]);

		assert_null(params.root);
		assert_null(params.fstypes);
		assert_null(params.flags);
		assert_false(params.writable);
		assert_false(params.forever);
		assert_int_equal(params.wait, 30);
		assert_int_equal(params.console_level, 7);
	}
}

static void which_root(void **state)
{
	static const struct {
		const char *words, *root;
	} cases[] = {
		{ "root=/dev/sda1 root=/dev/sda2", "/dev/sda2" },
		{ "root=\"LABEL=my root\" ro", "LABEL=my root" },
		{ "\"root=LABEL=my root\" ro", "LABEL=my root" },
		{ "root=UUID=1 ostree=/o", "UUID=1" },
		{ "ostree_root=/dev/sdb root=/dev/sda", "/dev/sdb" },
		{ "root=/dev/sda ostree_root=/dev/sdc ostree_root=/dev/sdb", "/dev/sdb" },
		{ "ostree=/o", "LABEL=otaroot" },
		{ "androidboot.slot_suffix=_b", NULL },
		{ "quiet -- ostree=/o", NULL },
		{ "root=", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is(parse(cases[i].words).root, cases[i].root);
}

/* androidboot.slot_suffix= counts only if the root has /ostree. */
static void deployment_or_not(void **state)
{
	static const struct {
		const char *words;
		bool with, without;
	} cases[] = {
		{ "root=a ostree=/o", true, true },
		{ "root=a ostree=/o androidboot.slot_suffix=_a", true, true },
		{ "root=a androidboot.slot_suffix=_a", true, false },
		{ "root=a androidboot.slot_suffix=_c", true, false },
		{ "root=a androidboot.slot=a androidboot.slot_suffix", false, false },
		{ "root=a ostree ostree_root=b", false, false },
		{ "root=a", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct cmdline *cmdline = split_words(cases[i].words);

		assert_int_equal(rootparams_wants_deployment(cmdline, "/proc"), cases[i].with);
		assert_int_equal(
			rootparams_wants_deployment(cmdline, "/proc/none"), cases[i].without);
	}
	assert_false(parse("root=a").gpt);
	assert_true(parse("root=a gpt").gpt);
}

static void how_to_mount(void **state)
{
	struct rootparams params =
		parse("rootfstype=ext4 rootfstype=xfs,ext4 rootflags=a rootflags=subvol=@,noatime");

	(void)state;
	is(params.fstypes, "xfs,ext4");
	is(params.flags, "subvol=@,noatime");
	assert_null(parse("rootfstype=auto").fstypes);
	assert_null(parse("rootfstype=").fstypes);
	assert_true(parse("ro rw").writable);
	assert_false(parse("rw ro").writable);
	assert_false(parse("rw=1").writable);
	assert_true(parse("rw ro=1").writable);
}

static void how_long(void **state)
{
	static const struct {
		const char *words;
		bool forever;
		unsigned wait;
	} cases[] = {
		{ "rootwait", true, 30 },
		{ "rootwait=5", false, 5 },
		{ "rootwait=0", false, 0 },
		{ "rootwait=86400", false, 86400 },
		/* The last word counts, with or without a value. */
		{ "rootwait rootwait=5", false, 5 },
		{ "rootwait=5 rootwait", true, 5 },
		{ "rootwait=5 rootwait=7", false, 7 },
		/* A value that is not a number of seconds means no limit, as in the kernel. */
		{ "rootwait=9 rootwait=", true, 9 },
		{ "rootwait=5s", true, 30 },
		{ "rootwait=5s rootwait=7", false, 7 },
		{ "rootwait=9 rootwait=-1", true, 9 },
		{ "rootwait=86401", true, 30 },
		{ "rootwait=4294967301", true, 30 },
		{ "rootwait=99999999999999999999999", true, 30 },
		{ "rootdelay=40", false, 40 },
		{ "rootdelay=3", false, 30 },
		{ "rootdelay=40 rootdelay=50", false, 50 },
		{ "rootdelay=x", false, 30 },
		{ "rootdelay", false, 30 },
		{ "rootdelay=40 rootwait=5", false, 5 },
		{ "rootdelay=40 rootwait", true, 40 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rootparams params = parse(cases[i].words);

		assert_int_equal(params.forever, cases[i].forever);
		assert_int_equal(params.wait, cases[i].wait);
	}
}

static void how_loud(void **state)
{
	(void)state;
	assert_int_equal(parse("quiet").console_level, 4);
	assert_int_equal(parse("debug").console_level, 10);
	assert_int_equal(parse("loglevel=3").console_level, 3);
	assert_int_equal(parse("quiet loglevel=6").console_level, 6);
	assert_int_equal(parse("loglevel=6 quiet").console_level, 4);
	assert_int_equal(parse("loglevel=x").console_level, 7);
	assert_int_equal(parse("quiet=1 debug=1").console_level, 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked),
		cmocka_unit_test(which_root),
		cmocka_unit_test(deployment_or_not),
		cmocka_unit_test(how_to_mount),
		cmocka_unit_test(how_long),
		cmocka_unit_test(how_loud),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
