/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/bootfs.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The mount that has a directory, and the directory in it. */
struct mount {
	struct libmnt_table *table;
	struct libmnt_fs *line; /* of the table */
	char *inside;		/* the directory's path in the file system; "" is the top */
	char *below;		/* its path below the mount point: the end of inside */
};

static void mount_free(struct mount *mount)
{
	mnt_unref_table(mount->table);
	free(mount->inside);
}

static int find_line(struct libmnt_table *table, int id, struct libmnt_fs **ret_line)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	int err = iter ? 0 : -ENOMEM;

	while (!err) {
		if (mnt_table_next_fs(table, iter, ret_line) != 0)
			err = -ENOENT;
		else if (mnt_fs_get_id(*ret_line) == id)
			break;
	}
	mnt_free_iter(iter);
	return err;
}

static int find_inside(struct mount *mount, const char *path)
{
	const char *top = mnt_fs_get_root(mount->line), *target = mnt_fs_get_target(mount->line);
	size_t length;

	if (!top || !target)
		return -EINVAL;
	length = strcmp(target, "/") != 0 ? strlen(target) : 0;
	/* A mount may have been moved since the path was read. */
	if (strncmp(path, target, length) != 0 || (path[length] && path[length] != '/'))
		return -ENOENT;
	path += length;
	if (!strcmp(top, "/"))
		top = "";
	if (asprintf(&mount->inside, "%s%s", top, strcmp(path, "/") != 0 ? path : "") < 0) {
		mount->inside = NULL;
		return -ENOMEM;
	}
	mount->below = mount->inside + strlen(top);
	return 0;
}

/* *ret_mount must be freed in any case. */
static int mount_look_up(const char *table, int id, const char *path, struct mount *ret_mount)
{
	int err;

	*ret_mount = (struct mount){ .table = mnt_new_table() };
	if (!ret_mount->table)
		return -ENOMEM;
	err = mnt_table_parse_file(ret_mount->table, table);
	if (err)
		return err < 0 ? err : -EINVAL;
	err = find_line(ret_mount->table, id, &ret_mount->line);
	if (!err)
		err = find_inside(ret_mount, path);
	return err;
}

/* statx() knows the ID too, but only since Linux 5.8. */
static int find_id(int fd, int *ret_id)
{
	char path[sizeof "/proc/self/fdinfo/" + 10], text[64];
	int err = -ENOENT;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (err && fgets(text, sizeof text, file))
		if (sscanf(text, "mnt_id: %d", ret_id) == 1)
			err = 0;
	(void)fclose(file);
	return err;
}

/* By its ID: on btrfs a subvolume's st_dev is in no line of the table. */
static int mount_find(int fd, struct mount *ret_mount)
{
	char link[sizeof "/proc/self/fd/" + 10], path[PATH_MAX];
	ssize_t size;
	int id = -1, err;

	*ret_mount = (struct mount){ 0 };
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	size = readlink(link, path, sizeof path);
	if (size < 0)
		return -errno;
	if ((size_t)size == sizeof path)
		return -ENAMETOOLONG;
	path[size] = '\0';
	err = find_id(fd, &id);
	return err < 0 ? err : mount_look_up("/proc/self/mountinfo", id, path, ret_mount);
}

static int probe_uuid(blkid_probe probe, int fd, char **ret_uuid)
{
	const char *value;

	/* The library does not always set errno. */
	errno = 0;
	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		return errno ? -errno : -EIO;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID);
	/* Ignores remains of RAID, swap space or LUKS. */
	blkid_probe_filter_superblocks_usage(probe, BLKID_FLTR_ONLYIN, BLKID_USAGE_FILESYSTEM);
	switch (blkid_do_safeprobe(probe)) {
	case 0:
		if (blkid_probe_lookup_value(probe, "UUID", &value, NULL) < 0)
			return -ENODATA;
		*ret_uuid = strdup(value);
		return *ret_uuid ? 0 : -ENOMEM;
	case 1:
		return -ENODATA;
	case -2:
		return -ENOTUNIQ;
	default:
		/* libblkid 2.41 returns this for two signatures, and for nothing else without an
		 * errno. */
		return errno ? -errno : -ENOTUNIQ;
	}
}

int bootfs_uuid(int device_fd, char **ret_uuid)
{
	blkid_probe probe = blkid_new_probe();
	int err;

	*ret_uuid = NULL;
	if (!probe)
		return -ENOMEM;
	err = probe_uuid(probe, device_fd, ret_uuid);
	blkid_free_probe(probe);
	return err;
}

/* The source of a mount is whatever mount(8) was given: another name such as /dev/root, or no
 * device. btrfs has a device, but an anonymous number. */
static char *find_device(struct libmnt_fs *line)
{
	const char *source = mnt_fs_get_source(line);
	dev_t number = mnt_fs_get_devno(line);
	struct stat st;

	if (source && source[0] == '/' && stat(source, &st) == 0 && S_ISBLK(st.st_mode) &&
		(st.st_rdev == number || !major(number)))
		return strdup(source);
	return major(number) ? blkid_devno_to_devname(number) : NULL;
}

static int read_device(struct bootfs *bootfs)
{
	int fd = open(bootfs->device, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = bootfs_uuid(fd, &bootfs->uuid);
	close(fd);
	return err;
}

/* True if a whole file system or a btrfs subvolume is mounted, not just a directory. The kernel
 * writes the option with the subvolume last. */
static bool is_whole(struct libmnt_fs *line)
{
	const char *top = mnt_fs_get_root(line), *options = mnt_fs_get_fs_options(line);
	const char *subvolume = options ? strstr(options, ",subvol=/") : NULL;

	return !strcmp(top, "/") || (subvolume && !strcmp(mnt_fs_get_fstype(line), "btrfs") &&
					    !strcmp(subvolume + strlen(",subvol="), top));
}

/* True if the mount shows where a loader finds the directory, which is /boot. */
static bool tells(const struct mount *mount)
{
	static const char deleted[] = "//deleted";
	size_t length = strlen(mount->inside);

	if (strcmp(mount->below, "/boot") != 0)
		return !*mount->below &&
		       !(length >= strlen(deleted) &&
			       !strcmp(mount->inside + length - strlen(deleted), deleted));
	return is_whole(mount->line);
}

static int describe(const struct mount *mount, struct bootfs *bootfs)
{
	const char *type = mnt_fs_get_fstype(mount->line);

	if (!tells(mount))
		return 0;
	bootfs->path = strdup(mount->inside);
	bootfs->type = strdup(type ? type : "");
	if (!bootfs->path || !bootfs->type)
		return -ENOMEM;
	bootfs->device = find_device(mount->line);
	if (bootfs->device)
		bootfs->error = read_device(bootfs);
	return 0;
}

int bootfs_look_up(const char *table, int id, const char *path, struct bootfs *ret_bootfs)
{
	struct mount mount;
	int err = mount_look_up(table, id, path, &mount);

	*ret_bootfs = (struct bootfs){ 0 };
	if (mount.inside)
		err = describe(&mount, ret_bootfs);
	mount_free(&mount);
	return err;
}

int bootfs_find(int boot_fd, struct bootfs *ret_bootfs)
{
	struct mount mount;
	int err = mount_find(boot_fd, &mount);

	*ret_bootfs = (struct bootfs){ 0 };
	if (mount.inside)
		err = describe(&mount, ret_bootfs);
	mount_free(&mount);
	return err;
}

static char *lookup(blkid_probe probe, const char *name)
{
	const char *value;

	return blkid_probe_lookup_value(probe, name, &value, NULL) < 0 ? NULL : strdup(value);
}

void bootfs_read_names(struct bootfs *bootfs)
{
	int fd = bootfs->device ? open(bootfs->device, O_RDONLY | O_CLOEXEC) : -1;
	blkid_probe probe = fd < 0 ? NULL : blkid_new_probe();

	if (probe && blkid_probe_set_device(probe, fd, 0, 0) == 0) {
		blkid_probe_enable_superblocks(probe, 1);
		blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_LABEL);
		blkid_probe_filter_superblocks_usage(
			probe, BLKID_FLTR_ONLYIN, BLKID_USAGE_FILESYSTEM);
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
		if (blkid_do_safeprobe(probe) == 0) {
			bootfs->label = lookup(probe, "LABEL");
			bootfs->partuuid = lookup(probe, "PART_ENTRY_UUID");
		}
	}
	blkid_free_probe(probe);
	if (fd >= 0)
		close(fd);
}

int bootfs_path(int boot_fd, char **ret_path)
{
	struct mount mount;
	int err = mount_find(boot_fd, &mount);

	*ret_path = NULL;
	if (mount.inside && tells(&mount)) {
		*ret_path = mount.inside;
		mount.inside = NULL;
	}
	mount_free(&mount);
	return err;
}

int bootfs_same(int one_fd, int other_fd)
{
	struct mount one = { 0 }, other = { 0 };
	struct stat one_st, other_st;
	int same;

	if (fstat(one_fd, &one_st) < 0 || fstat(other_fd, &other_st) < 0)
		return -errno;
	if (one_st.st_dev == other_st.st_dev)
		return 1;
	same = mount_find(one_fd, &one);
	if (!same)
		same = mount_find(other_fd, &other);
	if (!same)
		same = mnt_fs_get_devno(one.line) == mnt_fs_get_devno(other.line);
	mount_free(&one);
	mount_free(&other);
	return same;
}

void bootfs_free(struct bootfs *bootfs)
{
	free(bootfs->path);
	free(bootfs->type);
	free(bootfs->device);
	free(bootfs->uuid);
	free(bootfs->label);
	free(bootfs->partuuid);
}
