/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entering the root file system, and freeing the initramfs, with real mounts in a namespace for
 * each test: the initramfs, the root, /dev, /proc and /sys are each a tmpfs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "initramfs/switchroot.h"

enum { IMPOSSIBLE = 77, DEEP = 40 };

/* For the child process, which cannot use cmocka's assertions. */
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("# line %d: %s (%s)\n", __LINE__, #what, strerror(errno));          \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && !close(fd));
}

static bool there(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* Mounts a tmpfs with a file that identifies it. */
static void mount_marked(const char *path, const char *name)
{
	char file[64];

	CHECK(!mkdir(path, 0755) || errno == EEXIST);
	CHECK(!mount(name, path, "tmpfs", 0, NULL));
	(void)snprintf(file, sizeof file, "%s/is-%s", path, name);
	write_file(file, name);
}

/* Enters a new mount namespace, and a user namespace if the caller is not root. */
static void become_private(void)
{
	char users[32], groups[32];

	(void)snprintf(users, sizeof users, "0 %u 1", getuid());
	(void)snprintf(groups, sizeof groups, "0 %u 1", getgid());
	if (unshare(CLONE_NEWNS)) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
			_exit(IMPOSSIBLE);
		write_file("/proc/self/uid_map", users);
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/gid_map", groups);
	}
	CHECK(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("scratch", "/tmp", "tmpfs", 0, NULL));
}

/* Makes the directory "/", as the initramfs is at boot. */
static void become_root(const char *path)
{
	CHECK(!chdir(path) && !mount(".", "/", NULL, MS_MOVE, NULL) && !chroot("."));
}

/* Makes "/" an initramfs with the usual mounts and with a root on /sysroot, which has the
 * directories for them. */
static void make_world(void)
{
	become_private();
	mount_marked("/tmp/initramfs", "initramfs");
	become_root("/tmp/initramfs");
	mount_marked(SWITCHROOT_DIR, "root");
	CHECK(!mkdir(SWITCHROOT_DIR "/dev", 0755) && !mkdir(SWITCHROOT_DIR "/proc", 0755) &&
		!mkdir(SWITCHROOT_DIR "/sys", 0755) && !mkdir(SWITCHROOT_DIR "/run", 0755));
	mount_marked("/dev", "devices");
	mount_marked("/proc", "processes");
	mount_marked("/sys", "system");
	mount_marked("/run", "runtime");
}

/* The number of names in the directory. */
static int count_names(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	int count = 0;

	CHECK(dir);
	rewinddir(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static int open_top(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void enters(void)
{
	struct fault fault;
	int top;

	make_world();
	top = open_top();
	CHECK(switchroot_is_initramfs() && switchroot_initramfs() < 0);
	CHECK(!switchroot_enter(&fault));
	CHECK(!faccessat(switchroot_initramfs(), "is-initramfs", F_OK, 0));
	CHECK(there("/is-root") && there("/dev/is-devices") && there("/proc/is-processes") &&
		there("/sys/is-system") && there("/run/is-runtime"));
	CHECK(!there("/is-initramfs") && !there("/../is-initramfs"));
	CHECK(!faccessat(top, "is-initramfs", F_OK, 0));
	switchroot_free_initramfs();
	CHECK(count_names(top) == 0 && switchroot_initramfs() < 0);
	CHECK(there("/is-root") && there("/dev/is-devices"));
	/* A second call does nothing, although the descriptor's number is in use again. */
	write_file("/dev/x", "");
	CHECK(open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0);
	switchroot_free_initramfs();
	CHECK(there("/is-root") && there("/dev/x"));
}

/* Mounts are not moved to a root that has no directory for them, or a link there. */
static void enters_odd_root(void)
{
	struct fault fault;
	int top;

	make_world();
	top = open_top();
	CHECK(!rmdir(SWITCHROOT_DIR "/dev") && !rmdir(SWITCHROOT_DIR "/proc"));
	CHECK(!mkdir(SWITCHROOT_DIR "/real", 0755) && !symlink("real", SWITCHROOT_DIR "/proc"));
	CHECK(!umount("/sys"));
	write_file("/sys/left", "");
	CHECK(!switchroot_enter(&fault));
	CHECK(there("/is-root") && !there("/dev") && !there("/real/is-processes"));
	CHECK(!there("/sys/left"));
	switchroot_free_initramfs();
	/* All mounts are gone from the initramfs, so all its directories could be removed. */
	CHECK(count_names(top) == 0);
}

static void frees_no_more(void)
{
	char path[4 * DEEP + 8] = "/deep", chain[4 * DEEP + 8] = "/chain";
	struct fault fault;
	int top;

	make_world();
	top = open_top();
	mount_marked(SWITCHROOT_DIR "/keep", "kept");
	CHECK(!symlink("/keep", "/link") && !symlink("/keep/is-kept", "/link2"));
	CHECK(!symlink("../../../keep", "/link3"));
	CHECK(!mkfifo("/fifo", 0) && !mkdir("/closed", 0) && !mkdir("/a", 0700));
	write_file("/a/b", "");
	CHECK(!link("/a/b", "/a/c"));
	/* Another mount in the initramfs, and a directory deeper than the limit. */
	mount_marked("/a/mount", "other");
	for (int i = 0; i < DEEP; i++) {
		CHECK(!mkdir(path, 0755));
		strcat(path, "/d");
	}
	/* A directory of exactly the greatest depth. */
	for (int i = 0; i < 32; i++) {
		CHECK(!mkdir(chain, 0755));
		strcat(chain, "/d");
	}
	CHECK(!switchroot_enter(&fault));
	switchroot_free_initramfs();
	CHECK(there("/keep/is-kept"));
	CHECK(!faccessat(top, "a/mount/is-other", F_OK, 0));
	CHECK(!umount2("/proc", MNT_DETACH));
	/* /a with the mount, and a part of /deep. */
	CHECK(count_names(top) == 2);
	CHECK(count_names(openat(top, "a", O_RDONLY)) == 1);
	CHECK(!faccessat(top, "deep/d/d", F_OK, 0));
}

/* An overlay may be a running system, so its files are not removed. */
static void frees_only_memory(void)
{
	struct fault fault;
	int top;

	become_private();
	CHECK(!mkdir("/tmp/lower", 0755) && !mkdir("/tmp/upper", 0755) &&
		!mkdir("/tmp/work", 0755) && !mkdir("/tmp/overlay", 0755));
	if (mount("overlay", "/tmp/overlay", "overlay", 0,
		    "lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work"))
		_exit(IMPOSSIBLE);
	write_file("/tmp/overlay/file", "");
	become_root("/tmp/overlay");
	CHECK(!switchroot_is_initramfs());
	mount_marked(SWITCHROOT_DIR, "root");
	top = open_top();
	CHECK(!switchroot_enter(&fault));
	CHECK(there("/is-root"));
	switchroot_free_initramfs();
	CHECK(!faccessat(top, "file", F_OK, 0));
}

static void goes_back(void)
{
	struct inotify_event event = { 0 };
	struct fault fault;
	int watch;

	make_world();
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	CHECK(inotify_add_watch(watch, SWITCHROOT_DIR "/is-root", IN_DELETE_SELF) >= 0);
	CHECK(!switchroot_enter(&fault));
	switchroot_return();
	CHECK(there("/is-initramfs") && !there("/is-root") && !there(SWITCHROOT_DIR "/is-root"));
	CHECK(!rmdir(SWITCHROOT_DIR));
	/* The root is no longer mounted anywhere. */
	CHECK(read(watch, &event, sizeof event) == sizeof event && event.mask & IN_UNMOUNT);
	/* More calls do nothing, although the descriptor's number is in use again. */
	CHECK(open_top() >= 0);
	switchroot_free_initramfs();
	CHECK(there("/is-initramfs"));
	switchroot_return();
	CHECK(there("/is-initramfs"));
}

/* The root was mounted but not entered. */
static void goes_back_from_nowhere(void)
{
	make_world();
	CHECK(!chdir("/sysroot"));
	switchroot_return();
	CHECK(there("/is-initramfs") && there("is-initramfs"));
	CHECK(!there(SWITCHROOT_DIR "/is-root") && there("/dev/is-devices"));
}

static void nothing_to_enter(void)
{
	struct fault fault = { "" };

	make_world();
	CHECK(!umount2(SWITCHROOT_DIR, MNT_DETACH));
	CHECK(switchroot_enter(&fault) < 0);
	CHECK(strstr(fault.sentence, SWITCHROOT_DIR));
	switchroot_free_initramfs();
	CHECK(there("/is-initramfs"));
}

/* File systems that are mounted already are not mounted again. */
static void world_is_there(void)
{
	struct fault fault = { "" };

	make_world();
	CHECK(!switchroot_mount_early(&fault));
	CHECK(there("/dev/is-devices") && there("/proc/is-processes"));
	CHECK(!switchroot_mount_sysfs(&fault));
	CHECK(there("/sys/is-system"));
}

/* Mount points that are files are reported. */
static void world_cannot_be(void)
{
	struct fault fault = { "" };

	make_world();
	CHECK(!umount("/sys") && !rmdir("/sys"));
	write_file("/sys", "");
	CHECK(switchroot_mount_sysfs(&fault) == -ENOTDIR &&
		strstr(fault.sentence, "cannot mount sysfs on /sys"));
	CHECK(!umount("/dev") && !rmdir("/dev"));
	write_file("/dev", "");
	CHECK(switchroot_mount_early(&fault) == -ENOTDIR &&
		strstr(fault.sentence, "cannot mount devtmpfs on /dev"));
}

/* gcc's, in a coverage build: a child writes its counters below its first root. */
void __gcov_dump(void) __attribute__((weak)); /* NOLINT(bugprone-reserved-identifier) */

static void run_here(void (*test)(void))
{
	int top = open_top();

	test();
	if (__gcov_dump) {
		CHECK(!fchdir(top) && !chroot("."));
		__gcov_dump();
	}
	_exit(0);
}

static void run(void (*test)(void))
{
	pid_t child;
	int status;

	(void)fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		run_here(test);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == IMPOSSIBLE)
		skip();
	assert_int_equal(status, 0);
}

#define TEST(name)                                                                                 \
	static void test_##name(void **state)                                                      \
	{                                                                                          \
		(void)state;                                                                       \
		run(name);                                                                         \
	}

TEST(enters)
TEST(enters_odd_root)
TEST(frees_no_more)
TEST(frees_only_memory)
TEST(goes_back)
TEST(goes_back_from_nowhere)
TEST(nothing_to_enter)
TEST(world_is_there)
TEST(world_cannot_be)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enters),
		cmocka_unit_test(test_enters_odd_root),
		cmocka_unit_test(test_frees_no_more),
		cmocka_unit_test(test_frees_only_memory),
		cmocka_unit_test(test_goes_back),
		cmocka_unit_test(test_goes_back_from_nowhere),
		cmocka_unit_test(test_nothing_to_enter),
		cmocka_unit_test(test_world_is_there),
		cmocka_unit_test(test_world_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
