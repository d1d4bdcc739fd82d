/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "initramfs/uevent.h"
#include "prepare-root/join.h"

/* More than the kernel's 2048 bytes of keys and the path before them. */
enum { UEVENT_MAX = 4096 };

static int compare(const struct device *a, const struct device *b)
{
	const char *disk_a = *a->disk ? a->disk : a->name, *disk_b = *b->disk ? b->disk : b->name;
	size_t len_a = strlen(disk_a), len_b = strlen(disk_b);
	int order = len_a != len_b ? (len_a < len_b ? -1 : 1) : strcmp(disk_a, disk_b);

	if (!order && a->partition != b->partition)
		order = a->partition < b->partition ? -1 : 1;
	return order ? order : strcmp(a->name, b->name);
}

void devices_forget(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		device_forget(devices->at[i]);
}

/* Another card or table may have the same name and number. */
static void update(struct device *device, const struct device *now)
{
	if (device->number != now->number)
		device_forget(device);
	device->number = now->number;
	device->partition = now->partition;
	join(device->disk, sizeof device->disk, now->disk, NULL);
	join(device->partlabel, sizeof device->partlabel, now->partlabel, NULL);
	if (now->table_read) {
		device->table_read = true;
		join(device->partuuid, sizeof device->partuuid, now->partuuid, NULL);
	}
	device->seen = true;
}

static void drop(struct devices *devices, size_t i)
{
	device_forget(devices->at[i]);
	free(devices->at[i]);
	devices->count--;
	memmove(devices->at + i, devices->at + i + 1, (devices->count - i) * sizeof *devices->at);
}

/* Adds a device, or updates it and keeps what was read of it. */
static int add(struct devices *devices, const struct device *device)
{
	struct device *copy;
	size_t i;

	for (i = 0; i < devices->count; i++)
		if (!strcmp(devices->at[i]->name, device->name)) {
			update(devices->at[i], device);
			return 0;
		}
	if (devices->count == DEVICES_MAX)
		return -ENOSPC;
	copy = malloc(sizeof *copy);
	if (!copy)
		return -ENOMEM;
	*copy = *device;
	copy->seen = true;
	for (i = devices->count++; i && compare(copy, devices->at[i - 1]) < 0; i--)
		devices->at[i] = devices->at[i - 1];
	devices->at[i] = copy;
	return 0;
}

/* Reads the uevent of the device whose directory this link of the class leads to. */
static int scan_one(struct devices *devices, int class, const char *link)
{
	char path[PATH_MAX], target[PATH_MAX], text[UEVENT_MAX];
	struct device device;
	struct uevent uevent;
	ssize_t len, got = -1;
	int fd;

	if (join(path, sizeof path, link, "/uevent", NULL) < 0)
		return 0;
	fd = openat(class, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof text);
		close(fd);
	}
	len = readlinkat(class, link, target, sizeof target - 1);
	/* The device may be gone by now. */
	if (got < 0 || len < 0)
		return 0;
	target[len] = 0;
	uevent_parse(text, (size_t)got, '\n', &uevent);
	return device_fill(&uevent, target, devices->dev, &device) ? add(devices, &device) : 0;
}

int devices_scan(struct devices *devices, int class)
{
	/* Of its own, so that the directory is read from the start. */
	int fd = openat(class, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	for (size_t i = 0; i < devices->count; i++)
		devices->at[i]->seen = false;
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = scan_one(devices, class, entry->d_name);
	closedir(dir);
	for (size_t i = devices->count; i--;)
		if (!devices->at[i]->seen)
			drop(devices, i);
	return err;
}

bool devices_event(struct devices *devices, const char *message, size_t size)
{
	char text[UEVENT_MAX];
	struct uevent uevent;

	if (size > sizeof text)
		return true;
	memcpy(text, message, size);
	uevent_parse(text, size, 0, &uevent);
	if (!uevent.subsystem || strcmp(uevent.subsystem, "block") != 0)
		return false;
	for (size_t i = 0; uevent.name && i < devices->count; i++)
		/* If a disk changes, so may its partitions. */
		if (!strcmp(devices->at[i]->name, uevent.name) ||
			!strcmp(devices->at[i]->disk, uevent.name))
			device_forget(devices->at[i]);
	return true;
}

static bool has_partitions(const struct devices *devices, const struct device *disk)
{
	for (size_t i = 0; i < devices->count; i++)
		if (!strcmp(devices->at[i]->disk, disk->name))
			return true;
	return false;
}

bool devices_may_be_read(const struct devices *devices, const struct device *device)
{
	return device_is_listed(device) && !device_is_slow(device) &&
	       (*device->disk || !has_partitions(devices, device));
}

/* Where the entries of a partition table go. */
struct table {
	struct devices *devices;
	const char *disk;
};

static void take_partition(const struct probe_partition *partition, void *context)
{
	const struct table *table = context;

	for (size_t i = 0; i < table->devices->count; i++) {
		struct device *device = table->devices->at[i];

		if (device->partition != partition->number ||
			strcmp(device->disk, table->disk) != 0)
			continue;
		if (partition->uuid)
			join(device->partuuid, sizeof device->partuuid, partition->uuid, NULL);
		if (partition->name)
			join(device->partname, sizeof device->partname, partition->name, NULL);
	}
}

/* Reads the table of a disk, for all its partitions. */
static void read_table(struct devices *devices, struct device *disk)
{
	struct table table = { devices, disk->name };
	bool was_open = disk->fd >= 0;
	int err = device_open(disk);

	for (size_t i = 0; i < devices->count; i++) {
		struct device *device = devices->at[i];

		if (strcmp(device->disk, disk->name) != 0)
			continue;
		if (!device->table_read)
			*device->partuuid = 0;
		*device->partname = 0;
	}
	if (!err)
		err = probe_partitions(disk->fd, devices->force_gpt, take_partition, &table);
	for (size_t i = 0; (!err || err == -ENODATA) && i < devices->count; i++)
		if (!strcmp(devices->at[i]->disk, disk->name))
			devices->at[i]->table_read = devices->at[i]->name_read = true;
	if (!was_open)
		device_close(disk);
}

static bool lacks_table(const struct devices *devices, const struct device *disk, bool names)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct device *device = devices->at[i];

		if (!strcmp(device->disk, disk->name) &&
			!(names ? device->name_read : device->table_read))
			return true;
	}
	return false;
}

void devices_read_tables(struct devices *devices, bool names)
{
	for (size_t i = 0; i < devices->count; i++)
		if (!*devices->at[i]->disk && lacks_table(devices, devices->at[i], names))
			read_table(devices, devices->at[i]);
}
