/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of kernel modules, and those that are built into the kernel of a tree. */
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

#include "bls/check/modules.h"

static void names(void **state)
{
	static const char *const taken[] = { "fs/ext4/ext4.ko", "a/virtio-blk.ko.xz",
		"x_y.ko.zst" };
	static const char *const others[] = { "a.ko/b", "fs/ext4", "a/.ko", "b.kox", "",
		"/a/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.ko" };
	struct text list = { 0 };

	(void)state;
	assert_false(modules_have(&list, "ext4"));
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		assert_true(modules_add(&list, taken[i]));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(modules_add(&list, others[i]));
	assert_string_equal(text_string(&list), "\next4\nvirtio_blk\nx_y\n");
	assert_true(modules_have(&list, "ext4"));
	assert_true(modules_have(&list, "virtio-blk"));
	assert_true(modules_have(&list, "x_y"));
	assert_false(modules_have(&list, "ext"));
	assert_false(modules_have(&list, "blk"));
	assert_false(modules_have(&list, ""));
	text_free(&list);
}

/* Runs a command in a new directory and reads the modules of the tree there. */
static int builtin(const char *command, struct text *list, char **ret_release)
{
	char directory[] = "/tmp/test-modules.XXXXXX", line[512];
	int fd, err;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(line, sizeof line, "cd %s && mkdir -p usr/lib/modules/6.1 && %s", directory,
		command);
	assert_int_equal(system(line), 0);
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	err = modules_builtin(fd, list, ret_release);
	close(fd);
	(void)snprintf(line, sizeof line, "rm -r %s", directory);
	assert_int_equal(system(line), 0);
	return err;
}

static void of_a_tree(void **state)
{
	struct text list = { 0 };
	char *release;

	(void)state;
	assert_int_equal(
		builtin("printf 'a/ext4.ko\\nb/loop.ko' >usr/lib/modules/6.1/modules.builtin",
			&list, &release),
		0);
	assert_string_equal(release, "6.1");
	assert_true(modules_have(&list, "ext4") && modules_have(&list, "loop"));
	free(release);
	assert_int_equal(
		builtin("rmdir usr/lib/modules/6.1 usr/lib/modules", &list, &release), -ENOENT);
	assert_null(release);
	/* A directory without the list is not a kernel's. */
	assert_int_equal(builtin("true", &list, &release), -ENOENT);
	assert_int_equal(
		builtin("mkdir usr/lib/modules/6.2 && touch usr/lib/modules/6.1/modules.builtin usr/lib/modules/6.2/modules.builtin",
			&list, &release),
		-ENOTUNIQ);
	assert_null(release);
	assert_int_equal(
		builtin("mkdir usr/lib/modules/6.1/modules.builtin", &list, &release), -ELOOP);
	assert_null(release);
	text_free(&list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(of_a_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
