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
#include <sys/stat.h>
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

/* With !EXACT there may be more variables: an initramfs of another system adds some. */
static bool same_environment(char **envp, const struct words *expected, bool exact)
{
	size_t found = 0;
	size_t count = 0;

	for (; envp[count]; count++) {
		for (size_t i = 0; i < expected->count; i++)
			found += strcmp(envp[count], expected->at[i]) == 0;
		report_say("%s\n", envp[count]);
	}
	report_say("%zu were sent\n", expected->count);
	return found == expected->count && (count == found || !exact);
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
	report_check(same_environment(
			     start->envp, &expect->env, expect_is(&expect->environment, "exact")),
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

	if (expect->model.count) {
		char model[EXPECT_TEXT] = "";

		look_text("/proc/device-tree/model", model, sizeof model);
		report_say("it is '%s'\n", model);
		report_check(
			expect_is(&expect->model, model), "the device tree is the deployment's");
	}
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

/* Tries to make a file; true if that gives ERROR (0: it works, and the file is removed again). */
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

/* Increments the number of boots in DIRECTORY/probe.boots; returns the old number, or -1. */
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

static void check_repository(const struct expect *expect)
{
	report_check(access("/sysroot/ostree/repo/config", R_OK) == 0 &&
			     access("/ostree/repo/config", R_OK) == 0,
		"/sysroot has the repository, and /ostree leads there");
	report_check(physical_root(expect), "the physical root has the same names as before");
	if (!expect_is(&expect->boot, "absent"))
		report_check(libostree_agrees(expect),
			"ostree admin status marks this deployment as booted");
}

unsigned checks_files(const struct expect *expect)
{
	bool fixed = expect_is(&expect->root, "fixed");
	bool sysroot_ro = fixed || expect_is(&expect->sysroot, "ro");
	bool overlay = expect_is(&expect->usr, "overlay");
	int program;
	long etc;
	long var;

	report_check(write_gives("/usr", overlay ? 0 : EROFS),
		"/usr refuses a new file, but for a hotfix");
	program = open("/usr/bin/busybox", O_WRONLY | O_CLOEXEC);
	report_check(overlay ? program >= 0 : program < 0 && errno == EROFS,
		"a file in /usr can be opened for writing only with a hotfix");
	if (program >= 0)
		close(program);
	report_check(write_gives("/", fixed ? EROFS : EPERM),
		"/ is immutable, as libostree deployed it");
	if (fixed) {
		report_check(write_gives("/etc", EROFS) && write_gives("/var", EROFS),
			"/etc and /var refuse a write, because the root is never writable");
		check_repository(expect);
		return 0;
	}
	etc = count_boot("/etc");
	report_check(etc >= 0, "/etc takes a write");
	var = count_boot("/var");
	report_check(var >= 0, "/var takes a write");
	report_check(etc == var, "what was written to /etc and /var is there at the next boot");
	report_check(write_gives("/sysroot", sysroot_ro ? EROFS : 0),
		"/sysroot is read-only where that was configured, else writable");
	report_check(write_gives("/boot", 0), "/boot takes a write");
	check_repository(expect);
	return etc < 0 ? 0 : (unsigned)etc;
}
