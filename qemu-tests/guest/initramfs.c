/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/initramfs.h"

#include "qemu-tests/guest/look.h"
#include "qemu-tests/guest/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number after "KEY:" in a file of /proc, or -1. */
static long number(const char *path, const char *key)
{
	FILE *file = fopen(path, "re");
	size_t length = strlen(key);
	char line[256];
	long value = -1;

	while (file && fgets(line, sizeof line, file))
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			value = strtol(line + length + 1, NULL, 10);
	if (file)
		fclose(file);
	return value;
}

long initramfs_switches(void)
{
	return number("/proc/self/status", "voluntary_ctxt_switches");
}

/* The pages of a ramfs count as unevictable, those of a tmpfs as shared memory. */
static bool is_freed(long most)
{
	long ramfs = number("/proc/meminfo", "Unevictable");
	long tmpfs = number("/proc/meminfo", "Shmem");

	report_say("%ld KiB are unevictable, %ld KiB in tmpfs\n", ramfs, tmpfs);
	return ramfs >= 0 && tmpfs >= 0 && (!most || ramfs + tmpfs <= most);
}

bool initramfs_handed(void)
{
	/* The options with which systemd would mount them. */
	static const struct {
		const char *target;
		const char *options[3];
	} world[] = {
		{ "/proc", { "nosuid", "nodev", "noexec" } },
		{ "/sys", { "nosuid", "nodev", "noexec" } },
		{ "/dev", { "nosuid" } },
	};
	struct mounted mounted;
	bool good = access("/proc/self", F_OK) == 0;

	for (size_t i = 0; good && i < sizeof world / sizeof *world; i++) {
		good = look_mount(world[i].target, &mounted);
		for (size_t j = 0; good && j < 3 && world[i].options[j]; j++)
			good = look_has(mounted.options, world[i].options[j]);
		if (!good)
			report_say("%s is not mounted, or lacks an option\n", world[i].target);
	}
	return good;
}

void initramfs_check(const struct expect *expect, long switches, bool handed)
{
	long most = strtol(expect_one(&expect->switches), NULL, 10);
	const char *before = getenv("switches");

	report_check(handed || !expect_is(&expect->world, "handed"),
		"/proc, /sys and /dev came along, with the options that they need");
	report_check(is_freed(strtol(expect_one(&expect->memory), NULL, 10)),
		"the initramfs' memory is free");
	report_say("it gave up the processor %ld times, %s of them before, %ld are fine\n",
		switches, before ? before : "?", most);
	report_check(!most || (before && switches - strtol(before, NULL, 10) <= most),
		"nobody polled while process 1 waited");
}

void initramfs_plain(const struct expect *expect)
{
	struct mounted root = { 0 };
	struct stat null = { 0 };
	char disk[EXPECT_TEXT + 8];
	struct stat st = { 0 };
	bool good = look_mount("/", &root) && strcmp(root.root, "/") == 0 &&
		    look_has(root.super, expect_one(&expect->root));

	report_say("/ is %s of its file system, %s\n", root.root, root.super);
	report_check(good, "/ is the root file system, ro or rw as it was asked for");
	snprintf(disk, sizeof disk, "/dev/%s", expect_one(&expect->disk));
	good = stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && stat(disk, &st) == 0 &&
	       S_ISBLK(st.st_mode);
	report_check(good, "/dev has null and the disk");
	report_check(look_store("/probe-was-here", "x\n") == 0, "/ takes a write");
	unlink("/probe-was-here");
	report_check(access("/run/ostree-booted", F_OK) < 0, "nothing says that OSTree booted");
}
