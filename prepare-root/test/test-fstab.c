/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our reader of mount points in fstab gives the same results as libmount, which mount(8) uses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libmount/libmount.h>

#include "prepare-root/fstab.h"

static const struct {
	const char *text;
	bool found;
} cases[] = {
	{ "", false },
	{ "LABEL=v /var ext4 defaults 0 2\n", true },
	{ "LABEL=v /var ext4", true },
	{ "LABEL=v\t/var/ \text4\n", true },
	{ " LABEL=v  /var ext4\n", true },
	{ "#LABEL=v /var ext4\n", false },
	{ "# LABEL=v /var ext4\n", false },
	{ " # LABEL=v /var ext4\n", false },
	{ "LABEL=v /var/lib ext4\n", false },
	{ "LABEL=v /variable ext4\n", false },
	{ "/var /mnt ext4\n", false },
	{ "LABEL=r / ext4\nLABEL=v /var ext4\n", true },
	{ "LABEL=r / ext4\n\n\n  \nLABEL=v /var ext4\n", true },
	{ "LABEL=v //var ext4\n", true },
	{ "LABEL=v ///var/// ext4\n", true },
	{ "LABEL=v /./var ext4\n", true },
	{ "LABEL=v /var/. ext4\n", true },
	{ "LABEL=v /./var/./ ext4\n", true },
	{ "LABEL=v /var/lib/.. ext4\n", true },
	{ "LABEL=v /../var ext4\n", true },
	{ "LABEL=v /srv/../var ext4\n", true },
	{ "LABEL=v /var/.. ext4\n", false },
	{ "LABEL=v /var/../lib ext4\n", false },
	{ "LABEL=v /..var ext4\n", false },
	{ "LABEL=v /.var ext4\n", false },
	{ "LABEL=v /v\\141r ext4\n", true },
	{ "LABEL=v \\057var ext4\n", true },
	{ "LABEL=v /var\\040x ext4\n", false },
	{ "LABEL=v /va\\162\\057 ext4\n", true },
	{ "LABEL=v /var\\ ext4\n", false },
	{ "LABEL=a\\040b /var ext4\n", true },
	{ "LABEL=v var ext4\n", false },
	{ "tmpfs none swap sw 0 0\nLABEL=v /var ext4 noauto\n", true },
	{ "LABEL=v /var ext4\r\n", true },
};

/* Whether the path leads to var in the working directory, which plays the root directory. */
static bool is_var(const char *target)
{
	char path[4096], *real;
	bool ret;

	if (*target != '/')
		return false;
	/* The parent of "/" is "/". */
	while (!strncmp(target, "/../", 4))
		target += 3;
	snprintf(path, sizeof path, ".%s", target);
	real = realpath(path, NULL);
	ret = real && strlen(real) > 4 && !strcmp(real + strlen(real) - 4, "/var");
	free(real);
	return ret;
}

static bool libmount_has(const char *text)
{
	char copy[256];
	FILE *file;
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	bool ret = false;

	assert_non_null(table);
	strcpy(copy, text);
	file = fmemopen(copy, strlen(copy), "r");
	assert_true(file || !*text);
	if (file) {
		mnt_table_parse_stream(table, file, "fstab");
		fclose(file);
	}
	while (!mnt_table_next_fs(table, iter, &fs))
		ret |= is_var(mnt_fs_get_target(fs));
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return ret;
}

static void agrees_with_libmount(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *text = cases[i].text;

		if (fstab_has(text, strlen(text), "/var") != cases[i].found)
			fail_msg("not %d for: %s", cases[i].found, text);
		if (libmount_has(text) != cases[i].found)
			fail_msg("libmount says otherwise: %s", text);
	}
}

static void takes_no_path_that_is_too_long(void **state)
{
	static char text[10000] = "LABEL=v /";

	(void)state;
	memset(text + strlen(text), '.', 8000);
	strcat(text, "/../var ext4\n");
	assert_false(fstab_has(text, strlen(text), "/var"));
}

static int make_directories(void **state)
{
	char name[] = "/tmp/test-fstab-XXXXXX";

	(void)state;
	return !mkdtemp(name) || chdir(name) || mkdir("var", 0755) || mkdir("var/lib", 0755) ||
	       mkdir("srv", 0755);
}

static int remove_directories(void **state)
{
	char name[64];

	(void)state;
	return !getcwd(name, sizeof name) || rmdir("var/lib") || rmdir("var") || rmdir("srv") ||
	       rmdir(name);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_libmount),
		cmocka_unit_test(takes_no_path_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, make_directories, remove_directories);
}
