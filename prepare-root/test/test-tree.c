/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading files of a tree, which may be missing or not regular; and the place of its /var. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/tree.h"
#include "prepare-root/var.h"

static char top[] = "/tmp/test-tree-XXXXXX";
static int root = -1;
static char text[TREE_FILE_MAX];

static void write_file(const char *name, size_t size)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	while (size--)
		assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void reads_files(void **state)
{
	(void)state;
	write_file("file", 5);
	write_file("full", TREE_FILE_MAX - 1);
	write_file("large", TREE_FILE_MAX + 1);
	assert_int_equal(symlinkat("/file", root, "inside"), 0);
	assert_int_equal(symlinkat("../../../../file", root, "above"), 0);
	assert_int_equal(symlinkat("/etc/passwd", root, "outside"), 0);
	assert_int_equal(mkfifoat(root, "pipe", 0644), 0);

	assert_int_equal(tree_read(root, "file", text), 5);
	assert_int_equal(tree_read(root, "/inside", text), 5);
	assert_int_equal(tree_read(root, "above", text), 5);
	assert_int_equal(tree_read(root, "full", text), TREE_FILE_MAX - 1);
	assert_int_equal(tree_read(root, "large", text), -EFBIG);
	assert_int_equal(tree_read(root, "outside", text), -ENOENT);
	assert_int_equal(tree_read(root, "none", text), -ENOENT);
	assert_int_equal(tree_read(root, "file/none", text), -ENOTDIR);
	assert_int_equal(tree_read(root, "pipe", text), -EINVAL);
	assert_int_equal(tree_read(root, ".", text), -ENOENT);
	assert_int_equal(tree_type(root, "inside"), S_IFLNK);
	assert_int_equal(tree_type(root, "none"), 0);
}

/* Root may open all files, so the failure comes from the limit of descriptors. */
static void says_what_cannot_be_opened(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(tree_read(root, "file", text), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

#define DEPLOYMENT "os/deploy/c0ffee.0"

static void finds_var(void **state)
{
	static const struct {
		const char *link; /* the target of os/var, or NULL for a directory */
		int err;
		const char *path;
	} cases[] = {
		{ NULL, 0, "os/var" },
		{ "../state", 0, "state" },
		{ "../chain", 0, "state" },
		{ "../gone", -ENOENT, NULL },
		{ "../file", -ENOTDIR, NULL },
		{ "../file/x", -ENOTDIR, NULL },
		{ "/state", -EXDEV, NULL },
		{ "../../state", -EXDEV, NULL },
		{ "var", -ELOOP, NULL },
	};
	char path[PATH_MAX], deployment[PATH_MAX];

	(void)state;
	assert_int_equal(mkdirat(root, "os", 0755), 0);
	assert_int_equal(mkdirat(root, "state", 0755), 0);
	assert_int_equal(symlinkat("state", root, "chain"), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *link = cases[i].link;

		assert_int_equal(
			link ? symlinkat(link, root, "os/var") : mkdirat(root, "os/var", 0755), 0);
		assert_int_equal(var_find(root, DEPLOYMENT, path), cases[i].err);
		if (!cases[i].err)
			assert_string_equal(path, cases[i].path);
		assert_int_equal(unlinkat(root, "os/var", link ? 0 : AT_REMOVEDIR), 0);
	}
	assert_int_equal(var_find(root, "deploy/c0ffee.0", path), -ENOENT);
	assert_int_equal(var_find(root, "c0ffee.0", path), -ENOENT);
	memset(deployment, 'x', sizeof deployment - 1);
	strcpy(deployment + sizeof deployment - 5, "/a/b");
	assert_int_equal(var_find(root, deployment, path), -ENAMETOOLONG);
}

static int make(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	root = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int discard(void **state)
{
	char command[64];

	(void)state;
	close(root);
	snprintf(command, sizeof command, "rm -r %s", top);
	return system(command);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files),
		cmocka_unit_test(says_what_cannot_be_opened),
		cmocka_unit_test(finds_var),
	};

	return cmocka_run_group_tests(tests, make, discard);
}
