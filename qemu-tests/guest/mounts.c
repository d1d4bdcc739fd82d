/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/mounts.h"

#include "qemu-tests/guest/look.h"
#include "qemu-tests/guest/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The value of the first word with this name on the kernel command line. */
static bool kernel_word(const char *name, char *ret, size_t size)
{
	static char line[4096];
	char *save;

	if (!look_text("/proc/cmdline", line, sizeof line))
		return false;
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, name, strlen(name)) == 0) {
			snprintf(ret, size, "%s", word + strlen(name));
			return true;
		}
	}
	return false;
}

static bool root_is_deployment(const struct expect *expect)
{
	char path[4 * EXPECT_TEXT];
	char link[EXPECT_TEXT] = "";
	char slot[8];
	char through[sizeof link + 8];
	struct mounted root;
	struct stat here = { 0 };
	struct stat linked = { 0 };

	snprintf(path, sizeof path, "%s/ostree/deploy/%s/deploy/%s", expect_one(&expect->inside),
		expect_one(&expect->stateroot), expect_one(&expect->deployment));
	if (!look_mount("/", &root) || !kernel_word("ostree=", link, sizeof link))
		return false;
	if (kernel_word("androidboot.slot_suffix=_", slot, sizeof slot))
		snprintf(link, sizeof link, "/ostree/root.%s", slot);
	snprintf(through, sizeof through, "/sysroot%s", link);
	if (stat("/", &here) < 0 || stat(through, &linked) < 0)
		report_say("%s: %s\n", through, strerror(errno));
	report_say(
		"/ is %s of its file system, expected %s\nthe link is %s\n", root.root, path, link);
	return strcmp(root.root, path) == 0 && here.st_ino && here.st_ino == linked.st_ino &&
	       here.st_dev == linked.st_dev;
}

struct readonly {
	const struct expect *expect;
	bool good;
};

/*
 * Only mounts that must be read-only may be so, and no file system may be. Mounts below /run are
 * the real init's own.
 */
static void find_readonly(const struct mounted *mounted, void *data)
{
	struct readonly *readonly = data;
	bool promised =
		(strcmp(mounted->target, "/usr") == 0 && expect_is(&readonly->expect->usr, "ro")) ||
		(strcmp(mounted->target, "/sysroot") == 0 &&
			expect_is(&readonly->expect->sysroot, "ro"));

	if (strncmp(mounted->target, "/run/", 5) == 0)
		return;
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

static bool overlaid(const char *target)
{
	struct mounted mounted = { 0 };
	bool there = look_mount(target, &mounted);

	report_say("%s is %s\n", target, mounted.type);
	return there && strcmp(mounted.type, "overlay") == 0;
}

/* Runs a command of the tree, as its start-up scripts would; true if its status is 0. */
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

/*
 * /var must be a shared mount, but a mount below it must not also appear below /sysroot, where it
 * would be found a second time at shutdown (ostree issue 2086). systemd in an initramfs makes all
 * mounts private when it switches the root, and the real systemd makes them shared again.
 */
static bool var_is_shared(const struct expect *expect, const char *var)
{
	static const char place[] = "probe.mount";
	char inside[LOOK_TEXT];
	char outside[5 * LOOK_TEXT];
	struct mounted mounted = { 0 };
	bool apart;
	bool shared = look_mount("/var", &mounted) && strstr(mounted.tags, "shared:");
	bool moved = expect_is(&expect->propagation, "private");

	report_say("/var has the tags%s\n", mounted.tags);
	if (expect_is(&expect->root, "fixed"))
		return shared;
	snprintf(inside, sizeof inside, "/var/%s", place);
	snprintf(outside, sizeof outside, "/sysroot%s/%s", var, place);
	if (mkdir(inside, 0700) < 0 || mount("tmpfs", inside, "tmpfs", 0, NULL) < 0)
		report_say("%s: %s\n", inside, strerror(errno));
	apart = look_mount(inside, &mounted) && !look_mount(outside, &mounted);
	(void)umount2(inside, 0);
	(void)rmdir(inside);
	return shared != moved && apart;
}

void mounts_check(const struct expect *expect)
{
	struct readonly readonly = { .expect = expect, .good = true };
	char path[4 * EXPECT_TEXT];
	char boot[EXPECT_TEXT + 8];
	struct statvfs fs = { 0 };
	bool fixed = expect_is(&expect->root, "fixed");
	bool readonly_root = !expect_is(&expect->root, "rw");
	bool good;

	report_check(
		root_is_deployment(expect), "/ is the deployment that ostree= or the slot names");
	good = statvfs("/", &fs) == 0 && !(fs.f_flag & ST_RDONLY) != readonly_root;
	report_say("flags 0x%lx\n", fs.f_flag);
	report_check(good, "the root is still ro or rw, as the kernel mounted it");
	report_check(before_mounting("/var", expect_one(&expect->var)) &&
			     before_mounting("/boot", expect_one(&expect->boot)),
		"what fstab mounts was left alone, the rest was mounted");

	good = (command((char *[]){ "/bin/mount", "-o", "remount,rw", "/", NULL }) || fixed) &&
	       command((char *[]){ "/bin/mount", "-a", NULL });
	report_check(good, "mount -a works, and so does remounting / unless it is never writable");
	if (!fixed)
		look_mounts(find_readonly, &readonly);
	report_check(readonly.good, "read-only is what was promised to be, and nothing else");

	snprintf(path, sizeof path, "%s/ostree/deploy/%s/deploy/%s/usr",
		expect_one(&expect->inside), expect_one(&expect->stateroot),
		expect_one(&expect->deployment));
	report_check(expect_is(&expect->usr, "overlay") ? overlaid("/usr")
							: bound("/usr", "prepared", path),
		"/usr is a mount of the deployment's own");
	snprintf(path, sizeof path, "%s/ostree/deploy/%s/var", expect_one(&expect->inside),
		expect_one(&expect->stateroot));
	report_check(bound("/var", expect_one(&expect->var), path), "/var is the stateroot's own");
	report_check(strcmp(expect_one(&expect->var), "fstab") == 0 ||
			     var_is_shared(expect, path + strlen(expect_one(&expect->inside))),
		"/var is shared, but what is mounted there stays out of /sysroot");
	snprintf(boot, sizeof boot, "%s/boot", expect_one(&expect->inside));
	if (expect_is(&expect->boot, "absent"))
		report_check(access("/boot/loader", F_OK) < 0, "/boot is the tree's own");
	else
		report_check(bound("/boot", expect_one(&expect->boot), boot) &&
				     access("/boot/loader/entries", R_OK) == 0,
			"/boot has the boot loader's entries");
}
