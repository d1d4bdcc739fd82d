/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootfs: the file system that has /boot, and the path of /boot in it, as a boot loader needs them.
 *
 * The mount table of the caller's namespace identifies the file system (libmount), and its
 * superblock has the UUID (libblkid). GRUB and U-Boot count paths from the top of the file system;
 * on btrfs from the top-level subvolume, whichever one is the default (tried with GRUB 2.06).
 *
 * Nothing is guessed. If ROOT/boot is a mount point, the mount gives the answer. If it is a
 * directory of what is mounted at ROOT, as in an image that is being made, that file system counts
 * if all of it, or a subvolume, is mounted there. If ROOT is only a directory, as a tree on a build
 * host, or a directory that is mounted, nothing is known. Nothing is mounted or written.
 */
#pragma once

#include <stdbool.h>

struct bootfs {
	char *path;   /* "", "/boot", "/@root/boot": from the top; NULL: nothing tells, see above */
	char *type;   /* as the mount table spells it; NULL with path */
	char *device; /* NULL: there is none, as for tmpfs, overlay and NFS */
	char *uuid;   /* as libblkid and GRUB spell it; NULL: there is no device, or see error */
	char *label;  /* set by bootfs_read_names(); NULL: there is none, or it is not known */
	char *partuuid; /* likewise */
	int error;	/* 0, or why bootfs_uuid() has found none on the device */
};

/*
 * Looks at the file system of ROOT/boot, given as an open directory (O_PATH will do). Returns 0, or
 * a negative errno when it cannot be told: -ENOENT where /proc is not mounted or does not list the
 * mount, as in a chroot. A device that only root may read is no failure: see error.
 * *ret_bootfs must be freed in any case.
 */
int bootfs_find(int boot_fd, struct bootfs *ret_bootfs);

/* Reads the label of the file system and the PARTUUID of its partition, if the device can be read.
 * The generators do not need them. */
void bootfs_read_names(struct bootfs *bootfs);

/* Only the path, without a look at the device: NULL where nothing tells. Returns 0 or a negative
 * errno as bootfs_find() does; *ret_path must be freed. */
int bootfs_path(int boot_fd, char **ret_path);

/* The same as bootfs_find() for a mount table in the format of /proc/PID/mountinfo
 * (proc_pid_mountinfo(5)): the mount is the one with this ID, and path, which is absolute and free
 * of symlinks, is /boot. */
int bootfs_look_up(const char *table, int id, const char *path, struct bootfs *ret_bootfs);

/* Says whether two open directories are on one file system: 1, 0, or a negative errno when it
 * cannot be told. The subvolumes of a btrfs are one file system, as they are for a boot loader. */
int bootfs_same(int one_fd, int other_fd);

/* Reads the UUID of the file system on an open block device or in an open image file. Returns 0
 * with *ret_uuid to be freed, or -ENODATA if there is no file system that has one, -ENOTUNIQ, or
 * another negative errno. */
int bootfs_uuid(int device_fd, char **ret_uuid);

void bootfs_free(struct bootfs *bootfs);
