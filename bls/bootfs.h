/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootfs: the file system that /boot is on, as a boot loader would have to name it.
 *
 * The mount table of the caller's namespace says which one it is (libmount), its superblock what
 * its UUID is (libblkid). Nothing is guessed: /boot is either the top of a mounted file system, and
 * so one of its own, or the directory /boot of one. Any other place, like a tree in a directory of
 * a build host, tells nothing about the file system that the tree will be on one day, and nothing
 * is said about it. Where ROOT is itself a mount point, as an image is that is being made, that
 * file system is taken for the one that will boot. Nothing is mounted, written or remembered.
 */
#pragma once

#include <stdbool.h>

struct bootfs {
	bool own;     /* /boot is the top of its file system */
	char *type;   /* as the mount table spells it; NULL: a tree in a directory, see above */
	char *device; /* NULL: there is none, as for tmpfs, overlay and NFS */
	char *uuid;   /* as libblkid and GRUB spell it; NULL: there is no device, or see error */
	int error;    /* 0, or why bootfs_uuid() has found none on the device */
};

/*
 * Looks at the file system of ROOT/boot, given as an open directory (O_PATH will do). Returns 0, or
 * a negative errno when it cannot be told: -ENOENT where /proc is not mounted or does not list the
 * mount, as in a chroot. A device that only root may read is no failure: see error.
 * *ret_bootfs must be freed in any case.
 */
int bootfs_find(int boot_fd, struct bootfs *ret_bootfs);

/*
 * The same for a mount table in the format of /proc/PID/mountinfo (proc_pid_mountinfo(5)): the
 * mount is the one with this ID, and path, which is absolute and free of symlinks, is /boot.
 */
int bootfs_look_up(const char *table, int id, const char *path, struct bootfs *ret_bootfs);

/*
 * Says whether two open directories are on one file system: 1, 0, or a negative errno when it
 * cannot be told. The subvolumes of a btrfs are one file system, as they are for a boot loader.
 */
int bootfs_same(int one_fd, int other_fd);

/*
 * Reads the UUID of the file system on an open block device or in an open image file. Returns 0
 * with *ret_uuid to be freed, or -ENODATA if there is no file system that has one, -ENOTUNIQ, or
 * another negative errno.
 */
int bootfs_uuid(int device_fd, char **ret_uuid);

void bootfs_free(struct bootfs *bootfs);
