/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a deployment by its bootlink, and reading its settings. */
#include <errno.h>
#include <fcntl.h>
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

#include "bls/deployment.h"
#include "bls/file.h"
#include "bls/settings.h"

static const struct reporter reporter = { .program = "test" };
static char directory[] = "/tmp/test-settings.XXXXXX";
static int root;

static void put(const char *path, const char *bytes, size_t size)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static int set_up(void **state)
{
	static const char *const directories[] = { "ostree", "ostree/boot.1", "d", "d/usr",
		"d/usr/lib", "d/usr/lib/rootstock", "d/etc", "d/etc/rootstock" };

	(void)state;
	if (!mkdtemp(directory))
		return -1;
	root = open(directory, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		if (mkdirat(root, directories[i], 0700) < 0)
			return -1;
	return symlinkat("../../d", root, "ostree/boot.1/0") ||
	       symlinkat("../../..", root, "ostree/boot.1/out") ||
	       symlinkat("/d", root, "ostree/boot.1/absolute") ||
	       symlinkat("gone", root, "ostree/boot.1/dangles");
}

static int tear_down(void **state)
{
	char *command;
	int err;

	(void)state;
	close(root);
	if (asprintf(&command, "rm -rf '%s'", directory) < 0)
		return -1;
	err = system(command);
	free(command);
	return err;
}

static void test_open(void **state)
{
	static const struct {
		const char *ostree;
		int error;
	} cases[] = {
		{ "/ostree/boot.1/0", 0 },
		{ "ostree/boot.1/0", 0 },
		{ "/ostree/boot.1/out", -EXDEV },
		{ "/ostree/boot.1/absolute", -EXDEV },
		{ "/ostree/boot.1/dangles", -ENOENT },
		{ "/ostree/boot.1/gone", -ENOENT },
		{ "/ostree/boot.1", -EINVAL },
		{ "", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int fd = deployment_open(root, cases[i].ostree);

		if (!cases[i].error)
			assert_true(fd >= 0);
		else
			assert_int_equal(fd, cases[i].error);
		if (fd >= 0)
			close(fd);
	}
}

static void test_read(void **state)
{
	struct text text = { 0 };
	int fd = deployment_open(root, "/ostree/boot.1/0");

	(void)state;
	put("secret", "host", 4);
	put("d/usr/file", "12345", 5);
	assert_int_equal(symlinkat("../../secret", root, "d/usr/escapes"), 0);
	assert_int_equal(symlinkat("/usr/file", root, "d/usr/absolute"), 0);
	assert_int_equal(file_add_in(fd, "usr/file", 5, &text), 0);
	assert_int_equal(file_add_in(fd, "usr/absolute", 5, &text), 0);
	assert_int_equal(text.size, 10);
	assert_memory_equal(text.bytes, "1234512345", 10);
	assert_int_equal(file_add_in(fd, "usr/file", 4, &text), -EFBIG);
	/* Links are resolved in the deployment, which has no file "secret". */
	assert_int_equal(file_add_in(fd, "usr/escapes", 5, &text), -ENOENT);
	assert_int_equal(file_add_in(fd, "usr/gone", 5, &text), -ENOENT);
	assert_int_equal(file_add_in(fd, "usr", 5, &text), -ELOOP);
	assert_int_equal(text.size, 10);
	text_free(&text);
	close(fd);
}

#define USR "d/usr/lib/rootstock/x.conf"
#define ETC "d/etc/rootstock/x.conf"

/* Writes both files, or removes one that is NULL, and reads the settings a and b. */
static int read_both(const char *usr, const char *etc, struct setting settings[])
{
	int fd = deployment_open(root, "/ostree/boot.1/0"), err;

	(void)unlinkat(root, USR, 0);
	(void)unlinkat(root, ETC, 0);
	if (usr)
		put(USR, usr, strlen(usr));
	if (etc)
		put(ETC, etc, strlen(etc));
	err = settings_read(fd, "x.conf", settings, &reporter);
	close(fd);
	return err;
}

static void is(const struct setting *setting, const char *value, const char *file, unsigned line)
{
	if (!value) {
		assert_null(setting->value);
		return;
	}
	assert_non_null(setting->value);
	assert_string_equal(setting->value, value);
	assert_string_equal(setting->file, file);
	assert_int_equal(setting->line, line);
}

static void test_settings(void **state)
{
	struct setting settings[] = { { .name = "a" }, { .name = "b" }, { 0 } };
	static const char usr[] = "usr/lib/rootstock/x.conf", etc[] = "etc/rootstock/x.conf";

	(void)state;
	assert_int_equal(read_both(NULL, NULL, settings), 0);
	is(&settings[0], NULL, NULL, 0);
	assert_int_equal(read_both("# c\n\n a =  x = y \r\nb=1", NULL, settings), 0);
	is(&settings[0], "x = y", usr, 3);
	is(&settings[1], "1", usr, 4);
	assert_int_equal(read_both("a=1\nb=1\n", "b=\nunknown=3\nb=2 # no comment\n", settings), 0);
	is(&settings[0], "1", usr, 1);
	is(&settings[1], "2 # no comment", etc, 3);
	settings_free(settings);
	is(&settings[0], NULL, NULL, 0);
	/* As written by an editor on Windows. */
	assert_int_equal(read_both("\xef\xbb\xbf"
				   "a=1\r\nb=2 \r\r\n\r\n#\r\n",
				 "b=3\r", settings),
		0);
	is(&settings[0], "1", usr, 1);
	is(&settings[1], "3", etc, 1);
	settings_free(settings);
	assert_int_equal(read_both("a=1\r2\n", NULL, settings), 0);
	is(&settings[0], "1\r2", usr, 1);
	settings_free(settings);
	assert_int_equal(read_both("a\n", NULL, settings), -1);
	settings_free(settings);
	assert_int_equal(read_both("=5\n", NULL, settings), -1);
	settings_free(settings);
}

static void test_refused_files(void **state)
{
	struct setting settings[] = { { .name = "a" }, { 0 } };
	int fd = deployment_open(root, "/ostree/boot.1/0");

	(void)state;
	(void)unlinkat(root, ETC, 0);
	put(USR, "a=1\0\nb=2", 8);
	assert_int_equal(settings_read(fd, "x.conf", settings, &reporter), -1);
	settings_free(settings);
	put(USR, "a=1\n", 4);
	assert_int_equal(mkdirat(root, ETC, 0700), 0);
	assert_int_equal(settings_read(fd, "x.conf", settings, &reporter), -1);
	settings_free(settings);
	assert_int_equal(unlinkat(root, ETC, AT_REMOVEDIR), 0);
	assert_int_equal(settings_read(fd, "x.conf", settings, &reporter), 0);
	is(&settings[0], "1", "usr/lib/rootstock/x.conf", 1);
	assert_int_equal(settings_refuse(&settings[0], "a is b", &reporter), -1);
	settings_free(settings);
	close(fd);
}

/* A byte order mark, with which some editors begin a file, is ignored. */
static void test_byte_order_mark(void **state)
{
	static const char text[] = "\xef\xbb\xbftimeout=7\n";
	struct setting settings[] = { { .name = "timeout" }, { 0 } };
	int fd = openat(root, "d", O_RDONLY | O_DIRECTORY);

	(void)state;
	put("d/etc/rootstock/mark.conf", text, strlen(text));
	assert_int_equal(settings_read(fd, "mark.conf", settings, &reporter), 0);
	assert_string_equal(settings[0].value, "7");
	settings_free(settings);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_refused_files),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
