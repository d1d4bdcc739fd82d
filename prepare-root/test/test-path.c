/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Our resolution of paths gives the same results as the kernel's, openat2(2). */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/path.h"

/* Directories, a file, and links "NAME -> TARGET" below a new directory. */
static const char *const directories[] = { "a", "a/b", "a/b/c", "d", "d/e" };
static const char *const links[][2] = {
	{ "down", "a/b" },
	{ "up", ".." },
	{ "a/up", ".." },
	{ "a/upup", "../.." },
	{ "a/b/far", "../../d/e" },
	{ "absolute", "/a/b" },
	{ "a/absolute", "/etc" },
	{ "loop", "loop" },
	{ "loop1", "loop2" },
	{ "loop2", "loop1" },
	{ "dangling", "nowhere" },
	{ "chain0", "a" },
	{ "chain1", "chain0" },
	{ "chain2", "./chain1/" },
	{ "tofile", "file" },
	{ "slash", "a/" },
	{ "dot", "." },
	{ "magic", "/proc/self/cwd" },
};
static const char *const words[] = { "a", "b", "c", "d", "e", "file", "..", ".", "", "nowhere",
	"down", "up", "upup", "far", "absolute", "loop", "loop1", "dangling", "chain1", "chain2",
	"tofile", "slash", "dot", "magic" };

static int root = -1;

static int set_up(void **state)
{
	char name[] = "/tmp/test-path-XXXXXX";
	char deep[16];

	(void)state;
	if (!mkdtemp(name) || chdir(name))
		return -1;
	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		assert_int_equal(mkdir(directories[i], 0755), 0);
	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		assert_int_equal(symlink(links[i][1], links[i][0]), 0);
	close(open("file", O_CREAT | O_WRONLY, 0644));
	/* link40 takes 40 steps, the limit; link41 takes one too many. */
	for (int i = 1; i <= 41; i++) {
		char before[16];

		snprintf(deep, sizeof deep, "link%d", i);
		snprintf(before, sizeof before, "link%d", i - 1);
		assert_int_equal(symlink(i == 1 ? "a" : before, deep), 0);
	}
	root = open(".", O_RDONLY | O_DIRECTORY);
	return 0;
}

static int tear_down(void **state)
{
	char name[PATH_MAX], command[PATH_MAX + 16];

	(void)state;
	assert_non_null(getcwd(name, sizeof name));
	snprintf(command, sizeof command, "rm -rf '%s'", name);
	return chdir("/") || system(command);
}

static int kernels_errno(const char *path, enum path_rule rule, struct stat *ret_stat)
{
	/* PATH_BENEATH is for values of ostree=, whose leading slashes are dropped. */
	const char *relative = rule == PATH_BENEATH ? path + strspn(path, "/") : path;
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS |
			   (rule == PATH_BENEATH ? RESOLVE_BENEATH : RESOLVE_IN_ROOT) };
	long fd;

	/* openat2(2) fails with EAGAIN for ".." while any directory or mount is moved. */
	do {
		fd = syscall(SYS_openat2, root, *relative ? relative : ".", &how, sizeof how);
	} while (fd < 0 && errno == EAGAIN);
	if (fd < 0)
		return -errno;
	assert_int_equal(fstat((int)fd, ret_stat), 0);
	close((int)fd);
	return 0;
}

static void compare(const char *path, enum path_rule rule)
{
	char ours[PATH_MAX];
	struct stat theirs = { 0 }, st = { 0 }, link;
	int err = path_resolve(root, path, rule, ours);
	int judge = kernels_errno(path, rule, &theirs);

	if (err >= 0 && fstatat(root, *ours ? ours : ".", &st, AT_SYMLINK_NOFOLLOW))
		err = -errno; /* path_resolve() does not check that the last component exists */
	if ((err < 0 ? err : 0) != judge)
		fail_msg("%s, rule %d: %d instead of %d", path, rule, err, judge);
	if (judge)
		return;
	assert_int_equal(st.st_ino, theirs.st_ino);
	assert_false(S_ISLNK(st.st_mode));
	assert_null(strstr(ours, "//"));
	if (!fstatat(root, path + strspn(path, "/"), &link, AT_SYMLINK_NOFOLLOW) && err == 0)
		assert_false(S_ISLNK(link.st_mode));
}

static void agrees_with_openat2(void **state)
{
	unsigned seed = 20261122, compared = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		char path[256] = "";
		int count = 1 + rand_r(&seed) % 6;

		for (int w = 0; w < count; w++) {
			if (w || rand_r(&seed) % 2)
				strcat(path, "/");
			strcat(path,
				words[(unsigned)rand_r(&seed) % (sizeof words / sizeof *words)]);
		}
		if (!*path)
			continue;
		compare(path, rand_r(&seed) % 2 ? PATH_BENEATH : PATH_IN_ROOT);
		compared++;
	}
	assert_true(compared > 100000);
}

static void counts_links(void **state)
{
	(void)state;
	for (int rule = PATH_BENEATH; rule <= PATH_IN_ROOT; rule++) {
		compare("link40", (enum path_rule)rule);
		compare("link41", (enum path_rule)rule);
		compare("link40/b", (enum path_rule)rule);
	}
}

static void tells_links(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(path_resolve(root, "/down", PATH_BENEATH, path), 1);
	assert_string_equal(path, "a/b");
	assert_int_equal(path_resolve(root, "down/c", PATH_BENEATH, path), 0);
	assert_string_equal(path, "a/b/c");
	assert_int_equal(path_resolve(root, "a/b/far", PATH_BENEATH, path), 1);
	assert_string_equal(path, "d/e");
	assert_int_equal(path_resolve(root, "down/far/", PATH_BENEATH, path), 1);
	assert_int_equal(path_resolve(root, "absolute/c", PATH_IN_ROOT, path), 0);
	assert_string_equal(path, "a/b/c");
}

static void refuses_long_paths(void **state)
{
	char ret[PATH_MAX], path[PATH_MAX + 2];

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = 0;
	assert_int_equal(path_resolve(root, path, PATH_BENEATH, ret), -ENAMETOOLONG);
}

/* A directory that is replaced by a link after path_resolve() is not opened. */
static void opens_what_was_resolved(void **state)
{
	char path[PATH_MAX];
	int fd;

	(void)state;
	assert_int_equal(path_resolve(root, "down", PATH_BENEATH, path), 1);
	fd = path_open(root, path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	fd = path_open(root, path, O_PATH | O_DIRECTORY);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(path_open(root, "nowhere", O_RDONLY), -ENOENT);
	assert_int_equal(renameat(root, "a", root, "aside"), 0);
	assert_int_equal(symlinkat("aside", root, "a"), 0);
	assert_int_equal(path_open(root, path, O_RDONLY | O_DIRECTORY), -ELOOP);
	assert_int_equal(unlinkat(root, "a", 0), 0);
	assert_int_equal(renameat(root, "aside", root, "a"), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_openat2),
		cmocka_unit_test(counts_links),
		cmocka_unit_test(tells_links),
		cmocka_unit_test(refuses_long_paths),
		cmocka_unit_test(opens_what_was_resolved),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
