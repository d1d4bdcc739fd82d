/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a file: what is replaced, what is not, and what a killed call leaves. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bls/emit.h"

struct scratch {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	assert_non_null(scratch);
	memcpy(scratch->path, "/tmp/test-emit-XXXXXX", sizeof("/tmp/test-emit-XXXXXX"));
	assert_non_null(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->fd >= 0);
	*state = scratch;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *scratch = *state;
	int r;

	unlinkat(scratch->fd, "out", 0);
	close(scratch->fd);
	/* Fails, and with it the test, when something else has been left. */
	r = rmdir(scratch->path);
	free(scratch);
	return r;
}

static void expect_content(int dir_fd, const char *name, const char *content)
{
	char found[64] = "";
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, found, sizeof(found) - 1) >= 0);
	close(fd);
	assert_string_equal(found, content);
}

static void test_make_and_replace(void **state)
{
	const struct scratch *scratch = *state;
	mode_t mask = umask(022);
	struct stat st;

	assert_int_equal(emit_file(scratch->fd, "out", "old", 3, true), 0);
	expect_content(scratch->fd, "out", "old");
	assert_int_equal(emit_file(scratch->fd, "out", "newer", 5, true), 0);
	expect_content(scratch->fd, "out", "newer");
	assert_int_equal(fstatat(scratch->fd, "out", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(emit_file(scratch->fd, "out", "", 0, true), 0);
	expect_content(scratch->fd, "out", "");
	assert_int_equal(emit_file(scratch->fd, "out", "staged", 6, false), 0);
	expect_content(scratch->fd, "out", "staged");
	umask(mask);
}

/* A beginning of the file, or more than it, is another file. */
static void test_same(void **state)
{
	const struct scratch *scratch = *state;
	char big[10000] = "";
	struct stat before, after;

	memset(big, 'x', sizeof(big));
	assert_int_equal(emit_file(scratch->fd, "out", big, sizeof(big), true), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &before, 0), 0);
	assert_int_equal(emit_file(scratch->fd, "out", big, sizeof(big), true), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(emit_file(scratch->fd, "out", big, sizeof(big) - 1, true), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(after.st_size, sizeof(big) - 1);
	assert_int_equal(emit_file(scratch->fd, "out", big, sizeof(big), true), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(after.st_size, sizeof(big));
}

static void test_leftover(void **state)
{
	const struct scratch *scratch = *state;

	/* Whatever it is, it is neither written to nor in the way. */
	assert_int_equal(emit_file(scratch->fd, "out", "old", 3, true), 0);
	assert_int_equal(symlinkat("out", scratch->fd, EMIT_TEMPORARY), 0);
	assert_int_equal(emit_file(scratch->fd, "out", "new", 3, true), 0);
	expect_content(scratch->fd, "out", "new");
}

static void test_no_regular_file(void **state)
{
	const struct scratch *scratch = *state;
	struct stat st;

	assert_int_equal(symlinkat("target", scratch->fd, "out"), 0);
	assert_int_equal(emit_file(scratch->fd, "out", "x", 1, true), -EEXIST);
	assert_int_equal(fstatat(scratch->fd, "out", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlinkat(scratch->fd, "out", 0), 0);
	assert_int_equal(mkdirat(scratch->fd, "out", 0755), 0);
	assert_int_equal(emit_file(scratch->fd, "out", "x", 1, true), -EEXIST);
	assert_int_equal(unlinkat(scratch->fd, "out", AT_REMOVEDIR), 0);
}

static void test_failures(void **state)
{
	const struct scratch *scratch = *state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(emit_file(-1, "out", "x", 1, true), -EBADF);
	assert_int_equal(emit_file(scratch->fd, "no/out", "x", 1, true), -ENOENT);
	assert_int_equal(emit_file(scratch->fd, EMIT_TEMPORARY, "x", 1, true), -EINVAL);
	assert_int_equal(emit_bytes(-1, "x", 1), -EBADF);
	assert_int_equal(emit_bytes(full, "x", 1), -ENOSPC);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make_and_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_regular_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
