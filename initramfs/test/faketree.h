/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * faketree: a fake /sys/class/block and /dev in a temporary directory. As in the kernel's, the
 * class has links to the directories of the devices, each of which has a file uevent, and the
 * directory of a partition is in that of its disk. The nodes in /dev are image files.
 */
#pragma once

#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "initramfs/devices.h"

#define TREE_UUID "5ca1ab1e-1234-4abc-8def-00000000beef"

struct faketree {
	char top[32];
	int class;
	struct devices devices;
};

/* A path in the tree, valid until the next call. */
static inline const char *tree_path(
	const struct faketree *tree, const char *folder, const char *name)
{
	static char path[PATH_MAX];

	assert(strlen(folder) + strlen(name) < 512);
	(void)snprintf(path, sizeof path, "%s/%.256s/%.256s", tree->top, folder, name);
	return path;
}

static inline void tree_write(const char *path, const void *data, size_t size)
{
	char part[PATH_MAX];
	FILE *file;

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		(void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		mkdir(part, 0755);
	}
	file = fopen(path, "wb");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		abort();
}

static inline void tree_make(struct faketree *tree)
{
	*tree = (struct faketree){ .top = "/tmp/faketree-XXXXXX" };
	if (!mkdtemp(tree->top))
		abort();
	tree_write(tree_path(tree, "sys/class/block", ".x"), "", 0);
	tree_write(tree_path(tree, "dev", ".x"), "", 0);
	tree->class = open(tree_path(tree, "sys/class", "block"), O_RDONLY | O_CLOEXEC);
	tree->devices.dev = open(tree_path(tree, "dev", ""), O_RDONLY | O_CLOEXEC);
}

/* The last part of a device's path, such as "sda/sda1". */
static inline const char *tree_name(const char *device)
{
	const char *slash = strrchr(device, '/');

	return slash ? slash + 1 : device;
}

static inline void tree_add_bytes(
	const struct faketree *tree, const char *device, const void *uevent, size_t size)
{
	char path[256], link[256];

	(void)snprintf(path, sizeof path, "sys/devices/pci0/%.200s", device);
	tree_write(tree_path(tree, path, "uevent"), uevent, size);
	(void)snprintf(link, sizeof link, "../../devices/pci0/%.200s", device);
	if (symlink(link, tree_path(tree, "sys/class/block", tree_name(device))))
		abort();
}

static inline void tree_add(const struct faketree *tree, const char *device, const char *uevent)
{
	tree_add_bytes(tree, device, uevent, strlen(uevent));
}

/* Adds a disk, or the partition of that number, with an empty file as its node. */
static inline void tree_add_usual(
	const struct faketree *tree, const char *device, int minor, int partition)
{
	char uevent[256], name[64];

	(void)snprintf(name, sizeof name, "%s", tree_name(device));
	for (char *c = name; (c = strchr(c, '!'));)
		*c = '/';
	(void)snprintf(uevent, sizeof uevent, "MAJOR=8\nMINOR=%d\nDEVNAME=%s\nDEVTYPE=%s\n%s",
		minor, name, partition ? "partition" : "disk", partition ? "PARTN=" : "");
	if (partition)
		(void)snprintf(uevent + strlen(uevent), 16, "%d\n", partition);
	tree_add(tree, device, uevent);
	tree_write(tree_path(tree, "dev", name), "", 0);
}

/* Makes the node an ext4 with this label. */
static inline void tree_make_fs(const struct faketree *tree, const char *name, const char *label)
{
	const char *path = tree_path(tree, "dev", name);
	char command[1024];

	tree_write(path, "", 0);
	(void)snprintf(command, sizeof command,
		"PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -O ^has_journal -U " TREE_UUID
		" -L '%.16s' %.512s 256K",
		label, path);
	if (system(command))
		abort();
}

/* Removes a device from the class. */
static inline void tree_remove(const struct faketree *tree, const char *name)
{
	unlink(tree_path(tree, "sys/class/block", name));
}

static inline int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static inline void tree_end(struct faketree *tree)
{
	unlink(tree_path(tree, "sys/class/block", ".x"));
	nftw(tree_path(tree, "sys/class", "block"), tree_unlink, 8, FTW_DEPTH | FTW_PHYS);
	mkdir(tree_path(tree, "sys/class", "block"), 0755);
	close(tree->class);
	tree->class = open(tree_path(tree, "sys/class", "block"), O_RDONLY | O_CLOEXEC);
	/* Scanning an empty class frees all devices and closes their descriptors. */
	devices_scan(&tree->devices, tree->class);
	close(tree->class);
	close(tree->devices.dev);
	nftw(tree->top, tree_unlink, 8, FTW_DEPTH | FTW_PHYS);
}
