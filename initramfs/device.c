/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "prepare-root/join.h"

/* More than the kernel's 2048 bytes of keys and the path before them. */
enum { UEVENT_MAX = 4096 };

/* The keys of a uevent that matter. */
struct words {
	const char *subsystem, *path, *name, *major, *minor, *type, *number, *label, *uuid;
};

/* Splits size bytes of KEY=VALUE, each ended by end, and changes the ends to zero bytes. */
static void split(char *text, size_t size, char end, struct words *ret_words)
{
	const struct {
		const char *key;
		const char **value;
	} keys[] = {
		{ "SUBSYSTEM=", &ret_words->subsystem },
		{ "DEVNAME=", &ret_words->name },
		{ "MAJOR=", &ret_words->major },
		{ "MINOR=", &ret_words->minor },
		{ "DEVTYPE=", &ret_words->type },
		{ "PARTN=", &ret_words->number },
		{ "PARTNAME=", &ret_words->label },
		{ "PARTUUID=", &ret_words->uuid },
	};
	char *stop = text + size;

	*ret_words = (struct words){ 0 };
	while (text < stop) {
		char *line_end = memchr(text, end, (size_t)(stop - text));

		if (!line_end)
			return;
		*line_end = 0;
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (!strncmp(text, keys[i].key, strlen(keys[i].key)))
				*keys[i].value = text + strlen(keys[i].key);
		text = line_end + 1;
	}
}

/* The last but one part of a path: a partition's directory is in that of its disk. */
static void parent(const char *path, char *ret_name, size_t size)
{
	const char *end = strrchr(path, '/');
	const char *start = end;

	while (start && start > path && start[-1] != '/')
		start--;
	if (!end || (size_t)(end - start) >= size)
		return;
	memcpy(ret_name, start, (size_t)(end - start));
	ret_name[end - start] = 0;
	/* In /sys a "!" stands for the "/" of a name. */
	for (char *c = ret_name; (c = strchr(c, '!'));)
		*c = '/';
}

/* False for what does not fit, or is no device. */
static bool fill(const struct words *words, struct device *ret_device)
{
	*ret_device = (struct device){ .fd = -1 };
	if (!words->name || !words->major || !words->minor || !words->path ||
		join(ret_device->name, sizeof ret_device->name, words->name, NULL) < 0)
		return false;
	ret_device->number = makedev((unsigned)strtoul(words->major, NULL, 10),
		(unsigned)strtoul(words->minor, NULL, 10));
	if (words->type && !strcmp(words->type, "partition")) {
		parent(words->path, ret_device->disk, sizeof ret_device->disk);
		if (words->number)
			ret_device->partition = (unsigned)strtoul(words->number, NULL, 10);
	}
	if (words->label)
		join(ret_device->partlabel, sizeof ret_device->partlabel, words->label, NULL);
	/* Linux has told it since 6.10; before, the table must be read. */
	ret_device->table_read =
		words->uuid &&
		join(ret_device->partuuid, sizeof ret_device->partuuid, words->uuid, NULL) >= 0;
	return true;
}

static int compare(const struct device *a, const struct device *b)
{
	const char *disk_a = *a->disk ? a->disk : a->name, *disk_b = *b->disk ? b->disk : b->name;
	size_t len_a = strlen(disk_a), len_b = strlen(disk_b);
	int order = len_a != len_b ? (len_a < len_b ? -1 : 1) : strcmp(disk_a, disk_b);

	if (!order && a->partition != b->partition)
		order = a->partition < b->partition ? -1 : 1;
	return order ? order : strcmp(a->name, b->name);
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

static void forget(struct device *device)
{
	device_close(device);
	device->guessed = device->probed = device->doubtful = false;
	device->table_read = device->name_read = false;
}

void devices_forget(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		forget(devices->at[i]);
}

/* A card or a table may have been replaced under the same name and number. */
static void update(struct device *device, const struct device *now)
{
	if (device->number != now->number)
		forget(device);
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
	forget(devices->at[i]);
	free(devices->at[i]);
	devices->count--;
	memmove(devices->at + i, devices->at + i + 1, (devices->count - i) * sizeof *devices->at);
}

/* Adds a device, or finds that it is there already with all that was read of it. */
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

/* One link in the class directory: to the device's own directory, in which uevent is. */
static int scan_one(struct devices *devices, int class, const char *link)
{
	char path[PATH_MAX], target[PATH_MAX], text[UEVENT_MAX];
	struct device device;
	struct words words;
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
	/* It may have gone in the meantime. */
	if (got < 0 || len < 0)
		return 0;
	target[len] = 0;
	split(text, (size_t)got, '\n', &words);
	words.path = target;
	return fill(&words, &device) ? add(devices, &device) : 0;
}

int devices_scan(struct devices *devices, int class)
{
	/* The descriptor is the caller's, and a directory is read from its start. */
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
	struct words words;

	if (size > sizeof text)
		return true;
	memcpy(text, message, size);
	split(text, size, 0, &words);
	if (!words.subsystem || strcmp(words.subsystem, "block") != 0)
		return false;
	for (size_t i = 0; words.name && i < devices->count; i++)
		/* With a disk its partitions may be others. */
		if (!strcmp(devices->at[i]->name, words.name) ||
			!strcmp(devices->at[i]->disk, words.name))
			forget(devices->at[i]);
	return true;
}

static bool has_partitions(const struct devices *devices, const struct device *disk)
{
	for (size_t i = 0; i < devices->count; i++)
		if (!strcmp(devices->at[i]->disk, disk->name))
			return true;
	return false;
}

int device_open(const struct devices *devices, struct device *device)
{
	if (device->fd < 0)
		device->fd = openat(devices->dev, device->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return device->fd < 0 ? -errno : 0;
}

static bool is_answer(int error)
{
	return !error || error == -ENODATA || error == -ENOTUNIQ;
}

void device_probe(struct devices *devices, struct device *device)
{
	if (device->probed)
		return;
	device->tags = (struct tags){ 0 };
	device->error = device_open(devices, device);
	if (!device->error)
		device->error = tags_read(device->fd, &device->tags);
	device->guessed = device->probed = is_answer(device->error);
}

void device_guess(struct devices *devices, struct device *device)
{
	bool sure = false;

	if (device->guessed)
		return;
	device->tags = (struct tags){ 0 };
	device->error = device_open(devices, device);
	if (!device->error)
		device->error = tags_guess(device->fd, &sure, &device->tags);
	device->guessed = is_answer(device->error);
	device->probed = device->guessed && sure;
}

/* Where a partition table is read to. */
struct table {
	struct devices *devices;
	const char *disk;
};

static void take_partition(const struct tags_partition *partition, void *context)
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
	int err = device_open(devices, disk);

	for (size_t i = 0; i < devices->count; i++) {
		struct device *device = devices->at[i];

		if (strcmp(device->disk, disk->name) != 0)
			continue;
		if (!device->table_read)
			*device->partuuid = 0;
		*device->partname = 0;
	}
	if (!err)
		err = tags_partitions(disk->fd, devices->force_gpt, take_partition, &table);
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

/* What is there on every machine, and holds nothing yet when an initramfs runs. */
static const char *const memory[] = { "ram", "zram", "loop" };
/* Floppy drives take seconds to find that they are empty; raw flash complains of its bad blocks. */
static const char *const slow[] = { "fd", "mtdblock" };

static bool begins(const char *name, const char *const prefixes[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool device_is_listed(const struct device *device)
{
	return !begins(device->name, memory, sizeof memory / sizeof *memory);
}

bool device_may_be_read(const struct devices *devices, const struct device *device)
{
	return device_is_listed(device) &&
	       !begins(device->name, slow, sizeof slow / sizeof *slow) &&
	       (*device->disk || !has_partitions(devices, device));
}
