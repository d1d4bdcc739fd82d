/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "prepare-root/join.h"

/* The name of the directory above: a partition's directory is in that of its disk. */
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

bool device_fill(const struct uevent *uevent, const char *path, int dev, struct device *ret_device)
{
	*ret_device = (struct device){ .dev = dev, .fd = -1 };
	if (!uevent->name || !uevent->major || !uevent->minor || !path ||
		join(ret_device->name, sizeof ret_device->name, uevent->name, NULL) < 0)
		return false;
	ret_device->number = makedev((unsigned)strtoul(uevent->major, NULL, 10),
		(unsigned)strtoul(uevent->minor, NULL, 10));
	if (uevent->type && !strcmp(uevent->type, "partition")) {
		parent(path, ret_device->disk, sizeof ret_device->disk);
		if (uevent->number)
			ret_device->partition = (unsigned)strtoul(uevent->number, NULL, 10);
	}
	if (uevent->label)
		join(ret_device->partlabel, sizeof ret_device->partlabel, uevent->label, NULL);
	/* Linux 6.10 and later report it; with others the table must be read. */
	ret_device->table_read =
		uevent->uuid &&
		join(ret_device->partuuid, sizeof ret_device->partuuid, uevent->uuid, NULL) >= 0;
	return true;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

void device_forget(struct device *device)
{
	device_close(device);
	device->guessed = device->probed = device->doubtful = false;
	device->table_read = device->name_read = false;
}

int device_open(struct device *device)
{
	if (device->fd < 0)
		device->fd = openat(device->dev, device->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return device->fd < 0 ? -errno : 0;
}

static bool is_answer(int error)
{
	return !error || error == -ENODATA || error == -ENOTUNIQ;
}

void device_probe(struct device *device)
{
	if (device->probed)
		return;
	device->tags = (struct tags){ 0 };
	device->error = device_open(device);
	if (!device->error)
		device->error = probe_read(device->fd, &device->tags);
	device->guessed = device->probed = is_answer(device->error);
}

void device_guess(struct device *device)
{
	bool sure = false;

	if (device->guessed)
		return;
	device->tags = (struct tags){ 0 };
	device->error = device_open(device);
	if (!device->error)
		device->error = probe_guess(device->fd, &sure, &device->tags);
	device->guessed = is_answer(device->error);
	device->probed = device->guessed && sure;
}

/* Every machine has these, and they are still empty when an initramfs runs. */
static const char *const memory[] = { "ram", "zram", "loop" };
/* Empty floppy drives answer after seconds; raw flash makes the kernel log its bad blocks. */
static const char *const slow[] = { "fd", "mtdblock" };

static bool begins(const char *name, const char *const prefixes[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

bool device_is_slow(const struct device *device)
{
	return begins(device->name, slow, sizeof slow / sizeof *slow);
}

bool device_is_listed(const struct device *device)
{
	return !begins(device->name, memory, sizeof memory / sizeof *memory);
}
