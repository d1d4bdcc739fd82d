/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/checks.h"

#include "qemu-tests/guest/look.h"
#include "qemu-tests/guest/report.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool is_device(const struct stat *st, mode_t type, unsigned maj, unsigned min)
{
	return (st->st_mode & S_IFMT) == type && st->st_rdev == makedev(maj, min);
}

void checks_take(int argc, char **argv, char **envp, struct start *ret)
{
	*ret = (struct start){ .argc = argc, .argv = argv, .envp = envp, .console = true };
	for (int fd = 0; fd < 1024; fd++) {
		struct stat st;

		if (fd < 3)
			ret->console &= fstat(fd, &st) == 0 && is_device(&st, S_IFCHR, 5, 1);
		else
			ret->descriptors += fcntl(fd, F_GETFD) >= 0;
	}
	ret->prepared = -1;
}

static bool same_arguments(const struct start *start, const struct words *expected)
{
	bool same = (size_t)start->argc == expected->count + 1;

	for (int i = 1; i < start->argc; i++) {
		same &= same && strcmp(start->argv[i], expected->at[i - 1]) == 0;
		report_say("argv[%d] is '%s'\n", i, start->argv[i]);
	}
	report_say("%zu were sent\n", expected->count);
	return same;
}

static bool same_environment(char **envp, const struct words *expected)
{
	size_t found = 0;
	size_t count = 0;

	for (; envp[count]; count++) {
		for (size_t i = 0; i < expected->count; i++)
			found += strcmp(envp[count], expected->at[i]) == 0;
		report_say("%s\n", envp[count]);
	}
	report_say("%zu were sent\n", expected->count);
	return count == expected->count && found == count;
}

void checks_process(const struct start *start, const struct expect *expect)
{
	char seconds[32];

	report_check(getpid() == 1, "the real init is process 1");
	report_check(start->console, "descriptors 0, 1 and 2 are the console");
	report_say("%d more are open\n", start->descriptors);
	report_check(start->descriptors == 0, "no other descriptor is open");
	report_check(
		same_arguments(start, &expect->arg), "the arguments are those the kernel sent");
	report_check(same_environment(start->envp, &expect->env),
		"the environment is what the kernel sent");
	snprintf(seconds, sizeof seconds, "%.6f", start->prepared);
	if (start->prepared >= 0)
		report_note("prepare-seconds", seconds);
}

static bool node(const char *path, mode_t type, unsigned maj, unsigned min)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		report_say("%s: %s\n", path, strerror(errno));
		return false;
	}
	if (!is_device(&st, type, maj, min))
		report_say(
			"%s is %o %u:%u\n", path, st.st_mode, major(st.st_rdev), minor(st.st_rdev));
	return is_device(&st, type, maj, min);
}

static bool mode_is(const char *path, mode_t type, mode_t mode)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		report_say("%s: %s\n", path, strerror(errno));
		return false;
	}
	report_say("%s has mode %o\n", path, st.st_mode);
	return st.st_mode == (type | mode);
}

void checks_handed(const struct expect *expect)
{
	struct mounted run = { 0 };
	struct stat booted = { 0 };
	struct stat st;
	char disk[EXPECT_TEXT + 8];
	bool good;

	good = node("/dev/null", S_IFCHR, 1, 3) && node("/dev/console", S_IFCHR, 5, 1) &&
	       node("/dev/kmsg", S_IFCHR, 1, 11);
	snprintf(disk, sizeof disk, "/dev/%s", expect_one(&expect->disk));
	good &= stat(disk, &st) == 0 && S_ISBLK(st.st_mode);
	report_check(good, "/dev has null, console, kmsg and the disk");

	good = look_mount("/run", &run) && strcmp(run.type, "tmpfs") == 0 &&
	       look_has(run.options, "rw") && look_has(run.options, "nosuid") &&
	       look_has(run.options, "nodev") && mode_is("/run", S_IFDIR, 0755);
	report_say("%s %s\n", run.type, run.options);
	report_check(good, "/run is a tmpfs, 0755, nosuid, nodev");
	report_check(mode_is("/run/ostree", S_IFDIR, 0755) &&
			     mode_is("/run/ostree/.private", S_IFDIR, 0),
		"/run/ostree and its private directory are there");
	good = stat("/run/ostree-booted", &booted) == 0 && booted.st_size > 0;
	report_say("%lld bytes\n", (long long)booted.st_size);
	report_check(good, "/run/ostree-booted is there and not empty");
}

/* The value of the first ostree= word, as the program under test reads it. */
static bool kernel_word(char *ret, size_t size)
{
	static char line[4096];
	char *save;

	if (!look_text("/proc/cmdline", line, sizeof line))
		return false;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, "ostree=", 7) == 0) {
			snprintf(ret, size, "%s", word + 7);
			return true;
		}
	}
	return false;
}

static bool root_is_deployment(const struct expect *expect)
{
	char path[3 * EXPECT_TEXT];
	char link[EXPECT_TEXT] = "";
	char through[sizeof link + 8];
	struct mounted root;
	struct stat here = { 0 };
	struct stat linked = { 0 };

	snprintf(path, sizeof path, "/ostree/deploy/%s/deploy/%s", expect_one(&expect->stateroot),
		expect_one(&expect->deployment));
	if (!look_mount("/", &root) || !kernel_word(link, sizeof link))
		return false;
	snprintf(through, sizeof through, "/sysroot%s", link);
	if (stat("/", &here) < 0 || stat(through, &linked) < 0)
		report_say("%s: %s\n", through, strerror(errno));
	report_say("/ is %s of its file system, expected %s\nostree=%s\n", root.root, path, link);
	return strcmp(root.root, path) == 0 && here.st_ino && here.st_ino == linked.st_ino &&
	       here.st_dev == linked.st_dev;
}

struct readonly {
	const struct expect *expect;
	bool good;
};

/* A mount may be read-only only where that was promised, and no file system may be. */
static void find_readonly(const struct mounted *mounted, void *data)
{
	struct readonly *readonly = data;
	bool sysroot_ro = strcmp(expect_one(&readonly->expect->sysroot), "ro") == 0;
	bool promised = strcmp(mounted->target, "/usr") == 0 ||
			(sysroot_ro && strcmp(mounted->target, "/sysroot") == 0);

	if (look_has(mounted->options, "ro") != promised || look_has(mounted->super, "ro")) {
		report_say("%s is %s, its file system %s\n", mounted->target, mounted->options,
			mounted->super);
		readonly->good = false;
	}
}

static bool bound(const char *target, const char *kind, const char *source)
{
	struct mounted mounted;

	if (strcmp(kind, "fstab") == 0) {
		bool there = look_mount(target, &mounted);

		report_say("%s is %s of its file system\n", target, there ? mounted.root : "-");
		return there && strcmp(mounted.root, "/") == 0;
	}
	if (!look_mount(target, &mounted))
		return false;
	report_say("%s is %s, tags%s, expected %s\n", target, mounted.root, mounted.tags, source);
	return strcmp(mounted.root, source) == 0;
}

/* What the tree's own init does with a command of the tree, as its start-up scripts would. */
static bool command(char *const argv[])
{
	char out[2048];
	int status = look_run(argv, out, sizeof out);

	report_say("%s ended with status %d\n%s", argv[0], status, out);
	return status == 0;
}

static bool before_mounting(const char *target, const char *kind)
{
	struct mounted mounted;
	bool there = look_mount(target, &mounted);

	return there == (strcmp(kind, "prepared") == 0);
}

/* Below /sysroot a mount would be met a second time at shutdown (ostree issue 2086). */
static bool var_is_shared(const char *var)
{
	static const char place[] = "probe.mount";
	char inside[LOOK_TEXT];
	char outside[4 * LOOK_TEXT];
	struct mounted mounted = { 0 };
	bool apart;
	bool shared = look_mount("/var", &mounted) && strstr(mounted.tags, "shared:");

	report_say("/var has the tags%s\n", mounted.tags);
	snprintf(inside, sizeof inside, "/var/%s", place);
	snprintf(outside, sizeof outside, "/sysroot%s/%s", var, place);
	if (mkdir(inside, 0700) < 0 || mount("tmpfs", inside, "tmpfs", 0, NULL) < 0)
		report_say("%s: %s\n", inside, strerror(errno));
	apart = look_mount(inside, &mounted) && !look_mount(outside, &mounted);
	(void)umount2(inside, 0);
	(void)rmdir(inside);
	return shared && apart;
}

void checks_mounts(const struct expect *expect)
{
	struct readonly readonly = { .expect = expect, .good = true };
	char path[3 * EXPECT_TEXT];
	struct statvfs fs = { 0 };
	bool good;

	report_check(root_is_deployment(expect), "/ is the deployment that ostree= names");
	good = statvfs("/", &fs) == 0 &&
	       strcmp((fs.f_flag & ST_RDONLY) ? "ro" : "rw", expect_one(&expect->root)) == 0;
	report_say("flags 0x%lx\n", fs.f_flag);
	report_check(good, "the root is as the kernel mounted it, ro or rw");
	report_check(before_mounting("/var", expect_one(&expect->var)) &&
			     before_mounting("/boot", expect_one(&expect->boot)),
		"what fstab mounts was left alone, the rest was mounted");

	good = command((char *[]){ "/bin/mount", "-o", "remount,rw", "/", NULL }) &&
	       command((char *[]){ "/bin/mount", "-a", NULL });
	report_check(good, "mount -o remount,rw / and mount -a work");
	look_mounts(find_readonly, &readonly);
	report_check(readonly.good, "read-only is what was promised to be, and nothing else");

	snprintf(path, sizeof path, "/ostree/deploy/%s/deploy/%s/usr",
		expect_one(&expect->stateroot), expect_one(&expect->deployment));
	report_check(bound("/usr", "prepared", path), "/usr is a mount of the deployment's own");
	snprintf(path, sizeof path, "/ostree/deploy/%s/var", expect_one(&expect->stateroot));
	report_check(bound("/var", expect_one(&expect->var), path), "/var is the stateroot's own");
	report_check(strcmp(expect_one(&expect->var), "fstab") == 0 || var_is_shared(path),
		"/var is shared, but what is mounted there stays out of /sysroot");
	report_check(bound("/boot", expect_one(&expect->boot), "/boot") &&
			     access("/boot/loader/entries", R_OK) == 0,
		"/boot has the boot loader's entries");
}

/* Tries to make a file; true if the result is ERROR (0: it worked, and is gone again). */
static bool write_gives(const char *directory, int error)
{
	char path[LOOK_TEXT];
	int result;

	snprintf(path, sizeof path, "%s/probe-was-here", directory);
	result = look_store(path, "x\n");
	if (!result)
		unlink(path);
	report_say("%s: %s\n", path, result ? strerror(-result) : "written");
	return result == -error;
}

/* Counts a boot in DIRECTORY/probe.boots and returns how many it had, or -1. */
static long count_boot(const char *directory)
{
	char path[LOOK_TEXT];
	char text[32] = "0";
	long boots;

	snprintf(path, sizeof path, "%s/probe.boots", directory);
	look_text(path, text, sizeof text);
	boots = strtol(text, NULL, 10);
	snprintf(text, sizeof text, "%ld\n", boots + 1);
	report_say("%s says %ld\n", path, boots);
	return look_store(path, text) == 0 ? boots : -1;
}

static bool physical_root(const struct expect *expect)
{
	DIR *directory = opendir("/sysroot");
	size_t expected = 0;
	bool good = true;

	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		bool known = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;

		for (size_t i = 0; !known && i < expect->top.count; i++) {
			known = strcmp(entry->d_name, expect->top.at[i]) == 0;
			expected += known;
		}
		if (!known) {
			report_say("/sysroot/%s was not there before\n", entry->d_name);
			good = false;
		}
	}
	if (directory)
		closedir(directory);
	report_say("%zu of %zu names are there\n", expected, expect->top.count);
	return good && expected == expect->top.count;
}

/* libostree marks the booted deployment with a star in the first column. */
static bool libostree_agrees(const struct expect *expect)
{
	char out[4096];
	char star[3 * EXPECT_TEXT];
	int status =
		look_run((char *[]){ "/usr/bin/ostree", "admin", "status", NULL }, out, sizeof out);

	snprintf(star, sizeof star, "* %s %s\n", expect_one(&expect->stateroot),
		expect_one(&expect->deployment));
	report_say("ostree admin status ended with %d, expected %s%s", status, star, out);
	return status == 0 && strstr(out, star);
}

unsigned checks_files(const struct expect *expect)
{
	bool sysroot_ro = strcmp(expect_one(&expect->sysroot), "ro") == 0;
	int program;
	long etc;
	long var;

	report_check(write_gives("/usr", EROFS), "/usr refuses a new file");
	program = open("/usr/bin/busybox", O_WRONLY | O_CLOEXEC);
	report_check(program < 0 && errno == EROFS, "/usr refuses to change a file");
	if (program >= 0)
		close(program);
	report_check(write_gives("/", EPERM), "/ is immutable, as libostree deployed it");
	etc = count_boot("/etc");
	report_check(etc >= 0, "/etc takes a write");
	var = count_boot("/var");
	report_check(var >= 0, "/var takes a write");
	report_check(etc == var, "what was written to /etc and /var is there at the next boot");
	report_check(write_gives("/sysroot", sysroot_ro ? EROFS : 0),
		"/sysroot is read-only where that was configured, else writable");
	report_check(write_gives("/boot", 0), "/boot can be written");
	report_check(access("/sysroot/ostree/repo/config", R_OK) == 0 &&
			     access("/ostree/repo/config", R_OK) == 0,
		"/sysroot has the repository, and /ostree leads there");
	report_check(physical_root(expect), "nothing was left behind on the physical root");
	report_check(
		libostree_agrees(expect), "ostree admin status marks this deployment as booted");
	return etc < 0 ? 0 : (unsigned)etc;
}
