/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where each path goes, and where a moved symlink leads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ota/place.h"

static const place_without none = 0;

static void places(void **state)
{
	static const struct {
		const char *path, *to; /* NULL: left out */
		const char *rule;      /* NULL: none */
		gboolean is_directory;
	} cases[] = {
		{ "", "", NULL, TRUE },
		{ "usr", "usr", NULL, TRUE },
		{ "usr/bin/x", "usr/bin/x", NULL, FALSE },
		{ "etc", "usr/etc", "etc", TRUE },
		{ "etc/a/b", "usr/etc/a/b", "etc", FALSE },
		{ "etcetera", "etcetera", NULL, FALSE },
		{ "usr/etc/a", "usr/etc/a", NULL, FALSE },
		{ "bin", "usr/bin", "merge", TRUE },
		{ "bin", NULL, "merge", FALSE },
		{ "bin/sh", "usr/bin/sh", "merge", FALSE },
		{ "lib/modules/6.1/x.ko", "usr/lib/modules/6.1/x.ko", "merge", FALSE },
		{ "lib64/ld.so", "usr/lib64/ld.so", "merge", FALSE },
		{ "library/x", "library/x", NULL, FALSE },
		{ "dev", "dev", NULL, TRUE },
		{ "dev", NULL, "runtime", FALSE },
		{ "dev/null", NULL, "runtime", FALSE },
		{ "proc/1", NULL, "runtime", TRUE },
		{ "tmp/x", NULL, "runtime", FALSE },
		{ "lost+found", "lost+found", NULL, TRUE },
		{ "ostree", NULL, "runtime", FALSE },
		{ "ostree/repo", NULL, "runtime", TRUE },
		{ "sysroot/x", NULL, "runtime", FALSE },
		{ "vmlinuz", NULL, "rootlinks", FALSE },
		{ "initrd.img.old", NULL, "rootlinks", FALSE },
		{ "vmlinuz-x", "vmlinuz-x", NULL, FALSE },
		{ "home", "var/home", "home", TRUE },
		{ "home", "home", NULL, FALSE },
		{ "home/u/.x", "var/home/u/.x", "home", FALSE },
		{ "opt/x", "var/opt/x", "opt", FALSE },
		{ "srv/x", "var/srv/x", "srv", FALSE },
		{ "mnt/x", "var/mnt/x", "mnt", FALSE },
		{ "media", NULL, "media", TRUE },
		{ "media/x", NULL, "media", FALSE },
		{ "root", "var/roothome", "root", TRUE },
		{ "root/.x", "var/roothome/.x", "root", FALSE },
		{ "usr/local", "var/usrlocal", "local", TRUE },
		{ "usr/local/bin/x", "var/usrlocal/bin/x", "local", FALSE },
		{ "usr/locale", "usr/locale", NULL, FALSE },
		{ "var/lib/x", "var/lib/x", NULL, FALSE },
		{ "var/cache/apt", "var/cache/apt", NULL, TRUE },
		{ "var/cache/apt/x", NULL, "cache", FALSE },
		{ "var/log/x", NULL, "cache", FALSE },
		{ "var/run", NULL, "runtime", FALSE },
		{ "var/tmp/x", NULL, "runtime", FALSE },
		{ "boot/vmlinuz-6.1", "boot/vmlinuz-6.1", NULL, FALSE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum place_rule rule;
		g_autofree char *to = place(cases[i].path, cases[i].is_directory, none, &rule);

		print_message("# %s\n", cases[i].path);
		assert_int_equal(!to, !cases[i].to);
		if (to)
			assert_string_equal(to, cases[i].to);
		assert_int_equal(!rule, !cases[i].rule);
		if (rule) {
			assert_string_equal(place_rule_name(rule), cases[i].rule);
			assert_non_null(place_rule_reason(rule));
		}
	}
}

static void left_out(void **state)
{
	static const char *const names[] = { "home", "opt", "srv", "mnt", "media", "root", "local",
		"cache", "rootlinks" };
	static const char *const paths[] = { "home/x", "opt/x", "srv/x", "mnt/x", "media/x",
		"root/x", "usr/local/x", "var/cache/x", "vmlinuz" };

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		enum place_rule rule = place_rule_of(names[i]), found;
		g_autofree char *to = NULL;

		assert_true(rule);
		to = place(paths[i], FALSE, 1U << rule, &found);
		assert_string_equal(to, paths[i]);
		assert_int_equal(found, PLACE_NONE);
	}
	assert_int_equal(place_rule_of("etc"), PLACE_NONE);
	assert_int_equal(place_rule_of("merge"), PLACE_NONE);
	assert_int_equal(place_rule_of("homes"), PLACE_NONE);
	assert_string_equal(place_link(PLACE_HOME), "var/home");
	assert_null(place_link(PLACE_ETC));
}

static void targets(void **state)
{
	static const struct {
		const char *from, *to, *target;
		const char *needed; /* NULL: the same */
	} cases[] = {
		{ "bin/sh", "usr/bin/sh", "busybox", NULL },
		{ "bin/sh", "usr/bin/sh", "../lib/x", NULL },
		{ "sbin/init", "usr/sbin/init", "../lib/systemd/systemd", NULL },
		{ "bin/x", "usr/bin/x", "../usr/bin/y", "/usr/bin/y" },
		{ "bin/x", "usr/bin/x", "/usr/bin/y", NULL },
		{ "bin/x", "usr/bin/x", "../etc/x", NULL },
		{ "etc/x", "usr/etc/x", "../usr/lib/y", NULL },
		{ "etc/mtab", "usr/etc/mtab", "../proc/self/mounts", NULL },
		{ "home/u/x", "var/home/u/x", "../v/y", NULL },
		{ "home/u/x", "var/home/u/x", "../../usr/y", "/usr/y" },
		{ "root/x", "var/roothome/x", "../root/y", "/root/y" },
		{ "usr/local/bin/x", "var/usrlocal/bin/x", "../lib/y", NULL },
		{ "usr/local/bin/x", "var/usrlocal/bin/x", "../../bin/y", "/usr/bin/y" },
		{ "usr/lib/x", "usr/lib/x", "../../../../y", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		g_autofree char *needed =
			place_target(cases[i].from, cases[i].to, cases[i].target, none);

		print_message("# %s -> %s\n", cases[i].from, cases[i].target);
		assert_int_equal(!needed, !cases[i].needed);
		if (needed)
			assert_string_equal(needed, cases[i].needed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(places), cmocka_unit_test(left_out),
		cmocka_unit_test(targets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
