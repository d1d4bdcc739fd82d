/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a file: which files are replaced, and what happens to leftovers of a killed call. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "bls/outfile.h"

struct scratch {
	char path[32];
	int fd;
};

/* Replaces the C library's: does not wait, and releases the lock at the turn turns_locked. */
static int lock_fd = -1, turns, turns_locked;

int nanosleep(const struct timespec *pause, struct timespec *rest)
{
	(void)rest;
	assert_int_equal(pause->tv_sec, 0);
	assert_in_range(pause->tv_nsec, 1, 999999999);
	if (++turns == turns_locked)
		flock(lock_fd, LOCK_UN);
	return 0;
}

static int setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof *scratch);

	assert_non_null(scratch);
	memcpy(scratch->path, "/tmp/test-outfile-XXXXXX", sizeof "/tmp/test-outfile-XXXXXX");
	assert_non_null(mkdtemp(scratch->path));
	scratch->fd = open(scratch->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(scratch->fd >= 0);
	*state = scratch;
	return 0;
}

static int teardown(void **state)
{
	struct scratch *scratch = *state;
	int err;

	unlinkat(scratch->fd, "out", 0);
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
	close(scratch->fd);
	/* Fails if other files are left, and so makes the test fail. */
	err = rmdir(scratch->path);
	free(scratch);
	return err;
}

static void expect_content(int dir_fd, const char *name, const char *content)
{
	char found[64] = "";
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, found, sizeof found - 1) >= 0);
	close(fd);
	assert_string_equal(found, content);
}

static void test_make_and_replace(void **state)
{
	const struct scratch *scratch = *state;
	mode_t mask = umask(022);
	struct stat st;

	assert_int_equal(outfile_replace(scratch->fd, "out", "old", 3, true, NULL), 0);
	expect_content(scratch->fd, "out", "old");
	assert_int_equal(outfile_replace(scratch->fd, "out", "newer", 5, true, NULL), 0);
	expect_content(scratch->fd, "out", "newer");
	assert_int_equal(fstatat(scratch->fd, "out", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(outfile_replace(scratch->fd, "out", "", 0, true, NULL), 0);
	expect_content(scratch->fd, "out", "");
	assert_int_equal(outfile_replace(scratch->fd, "out", "staged", 6, false, NULL), 0);
	expect_content(scratch->fd, "out", "staged");
	umask(mask);
}

/* The same content is not written again; a shorter or a longer one is. */
static void test_same(void **state)
{
	const struct scratch *scratch = *state;
	char big[10000] = "";
	struct stat before, after;

	memset(big, 'x', sizeof big);
	assert_int_equal(outfile_replace(scratch->fd, "out", big, sizeof big, true, NULL), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &before, 0), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", big, sizeof big, true, NULL), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(outfile_replace(scratch->fd, "out", big, sizeof big - 1, true, NULL), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(after.st_size, sizeof big - 1);
	assert_int_equal(outfile_replace(scratch->fd, "out", big, sizeof big, true, NULL), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &after, 0), 0);
	assert_int_equal(after.st_size, sizeof big);
}

static void test_leftover(void **state)
{
	const struct scratch *scratch = *state;

	/* A leftover of any kind is replaced and not written to. */
	assert_int_equal(outfile_replace(scratch->fd, "out", "old", 3, true, NULL), 0);
	assert_int_equal(symlinkat("out", scratch->fd, OUTFILE_TEMPORARY), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, true, NULL), 0);
	expect_content(scratch->fd, "out", "new");
}

/* A file that is replaced keeps its owner and mode. */
static void test_owner_and_mode(void **state)
{
	static const mode_t modes[] = { 0600, 0640, 0444, 0666, 02755 };
	const struct scratch *scratch = *state;
	const uid_t owner = geteuid() ? geteuid() : 1234;
	mode_t mask = umask(027);
	struct stat st;

	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, true, NULL), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fchownat(scratch->fd, "out", owner, st.st_gid, 0), 0);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		char number = (char)('0' + i);

		assert_int_equal(fchmodat(scratch->fd, "out", modes[i], 0), 0);
		assert_int_equal(outfile_replace(scratch->fd, "out", &number, 1, i % 2, NULL), 0);
		assert_int_equal(fstatat(scratch->fd, "out", &st, 0), 0);
		assert_int_equal(st.st_size, 1);
		assert_int_equal(st.st_mode & 07777, modes[i]);
		assert_int_equal(st.st_uid, owner);
	}
	/* A new file can get them from another file. */
	st.st_mode = S_IFREG | 0600;
	assert_int_equal(unlinkat(scratch->fd, "out", 0), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, false, &st), 0);
	assert_int_equal(fstatat(scratch->fd, "out", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_uid, owner);
	umask(mask);
}

static void take_lock(const struct scratch *scratch, int how)
{
	lock_fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(lock_fd >= 0);
	assert_int_equal(flock(lock_fd, how), 0);
	turns = 0;
}

/* While another call holds the lock, this one waits. */
static void test_waits(void **state)
{
	const struct scratch *scratch = *state;

	take_lock(scratch, LOCK_EX);
	turns_locked = 50;
	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, true, NULL), 0);
	assert_int_equal(turns, turns_locked);
	expect_content(scratch->fd, "out", "new");
}

/* A lock that is never released does not stop an update, because any user can take it. */
static void test_goes_on(void **state)
{
	const struct scratch *scratch = *state;

	assert_int_equal(outfile_replace(scratch->fd, "out", "old", 3, true, NULL), 0);
	take_lock(scratch, LOCK_SH);
	turns_locked = -1;
	assert_int_equal(symlinkat("theirs", scratch->fd, OUTFILE_TEMPORARY), 0);
	assert_int_equal(symlinkat("killed", scratch->fd, OUTFILE_TEMPORARY ".00000001"), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, true, NULL), 0);
	assert_in_range(turns, 20, 1000);
	expect_content(scratch->fd, "out", "new");
	/* The other call's file stays until the lock is released. */
	assert_int_equal(faccessat(scratch->fd, OUTFILE_TEMPORARY, F_OK, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(flock(lock_fd, LOCK_UN), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "new", 3, true, NULL), 0);
}

static void test_no_regular_file(void **state)
{
	const struct scratch *scratch = *state;
	struct stat st;

	assert_int_equal(symlinkat("target", scratch->fd, "out"), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "x", 1, true, NULL), -EEXIST);
	assert_int_equal(fstatat(scratch->fd, "out", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlinkat(scratch->fd, "out", 0), 0);
	assert_int_equal(mkdirat(scratch->fd, "out", 0755), 0);
	assert_int_equal(outfile_replace(scratch->fd, "out", "x", 1, true, NULL), -EEXIST);
	assert_int_equal(unlinkat(scratch->fd, "out", AT_REMOVEDIR), 0);
}

static void test_failures(void **state)
{
	const struct scratch *scratch = *state;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(outfile_replace(-1, "out", "x", 1, true, NULL), -EBADF);
	assert_int_equal(outfile_replace(scratch->fd, "no/out", "x", 1, true, NULL), -ENOENT);
	assert_int_equal(
		outfile_replace(scratch->fd, OUTFILE_TEMPORARY, "x", 1, true, NULL), -EINVAL);
	assert_int_equal(outfile_write(-1, "x", 1), -EBADF);
	assert_int_equal(outfile_write(full, "x", 1), -ENOSPC);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_make_and_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same, setup, teardown),
		cmocka_unit_test_setup_teardown(test_leftover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owner_and_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_goes_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_regular_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
