/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/switchroot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "prepare-root/facts.h"
#include "prepare-root/step.h"

/* Deeper than any image; what is deeper stays in memory. */
enum { DEPTH_MAX = 32 };

static int initramfs = -1; /* its root, after the switch */

static int run(const struct step *steps, size_t count, struct fault *ret_fault)
{
	size_t done;

	return step_run(steps, count, NULL, &done, ret_fault);
}

/* Mounts a kernel file system on its usual directory. */
static int mount_kernel(const char *type, const char *path, unsigned long flags, const char *why,
	struct fault *ret_fault)
{
	const struct step steps[] = {
		{ STEP_MKDIR, .target = path, .flags = 0755, .why = why },
		{ STEP_MOUNT, .type = type, .target = path, .flags = flags, .why = why },
	};

	return facts_mounted(AT_FDCWD, path) ? 0 : run(steps, 2, ret_fault);
}

/* The flags are those of systemd. */
int switchroot_mount_early(struct fault *ret_fault)
{
	int err = mount_kernel("devtmpfs", "/dev", MS_NOSUID | MS_STRICTATIME,
		"the disks' nodes come from there: the kernel needs CONFIG_DEVTMPFS", ret_fault);

	if (err)
		return err;
	log_open("/dev/kmsg");
	return mount_kernel("proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV,
		"the kernel command line is read from there", ret_fault);
}

int switchroot_mount_sysfs(struct fault *ret_fault)
{
	return mount_kernel("sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV,
		"the block devices are listed there", ret_fault);
}

/* Moves a mount of ours, or unmounts it if the root has no directory for it. */
static void take_along(const char *from, const char *to)
{
	struct stat st;

	if (!facts_mounted(AT_FDCWD, from))
		return;
	if (fstatat(AT_FDCWD, to, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode) ||
		!step_try((struct step){ STEP_MOVE, .source = from, .target = to }))
		step_try((struct step){ STEP_UMOUNT, .target = from });
}

int switchroot_enter(struct fault *ret_fault)
{
	const struct step enter = { STEP_SWITCH, .source = SWITCHROOT_DIR,
		.why = "the root file system is to be / as if the kernel had mounted it" };
	int err;

	initramfs = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (initramfs < 0)
		return fault(
			ret_fault, -errno, "cannot open the initramfs: ", strerror(errno), NULL);
	take_along("/dev", SWITCHROOT_DIR "/dev");
	take_along("/proc", SWITCHROOT_DIR "/proc");
	take_along("/sys", SWITCHROOT_DIR "/sys");
	take_along("/run", SWITCHROOT_DIR "/run");
	err = run(&enter, 1, ret_fault);
	if (err) {
		close(initramfs);
		initramfs = -1;
	}
	return err;
}

int switchroot_initramfs(void)
{
	return initramfs;
}

/* An open directory, and the name in it that is being removed. */
struct level {
	DIR *dir;
	const char *name;
};

/* Opens a directory to empty it; NULL if that fails. */
static DIR *open_inner(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !dir)
		close(fd);
	return dir;
}

/* Removes everything below top that is on the device. */
static void remove_all(int top, dev_t device)
{
	struct level levels[DEPTH_MAX] = { { .dir = open_inner(top, ".") } };
	struct level *level = levels;
	struct stat st;

	while (level->dir) {
		struct dirent *entry = readdir(level->dir);
		int fd = dirfd(level->dir);

		if (!entry) {
			closedir(level->dir);
			if (level-- == levels)
				return;
			unlinkat(dirfd(level->dir), level->name, AT_REMOVEDIR);
			continue;
		}
		level->name = entry->d_name;
		if (!strcmp(level->name, ".") || !strcmp(level->name, "..") ||
			fstatat(fd, level->name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != device)
			continue;
		if (S_ISDIR(st.st_mode) && level < levels + DEPTH_MAX - 1 &&
			(level[1].dir = open_inner(fd, level->name)))
			level++;
		else
			unlinkat(fd, level->name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	}
}

static bool in_memory(int directory)
{
	struct statfs fs;

	return !fstatfs(directory, &fs) && (fs.f_type == RAMFS_MAGIC || fs.f_type == TMPFS_MAGIC);
}

bool switchroot_is_initramfs(void)
{
	int top = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ret = top >= 0 && in_memory(top);

	if (top >= 0)
		close(top);
	return ret;
}

void switchroot_free_initramfs(void)
{
	struct stat st;
	int top = initramfs;

	initramfs = -1;
	if (top < 0)
		return;
	if (in_memory(top) && !fstat(top, &st))
		remove_all(top, st.st_dev);
	close(top);
}

void switchroot_return(void)
{
	if (initramfs >= 0) {
		/* Lazily, since we are still in it. */
		step_try((struct step){ STEP_UMOUNT, .target = "/" });
		if (fchdir(initramfs) || chroot("."))
			return;
		close(initramfs);
		initramfs = -1;
	}
	(void)!chdir("/");
	step_try((struct step){ STEP_UMOUNT, .target = SWITCHROOT_DIR });
}
