/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/hint.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "prepare-root/join.h"

/* The option that mounts a file system without replaying its journal. */
static const char *without_journal(const char *type)
{
	static const char *const options[][2] = {
		{ "ext3", "noload" },
		{ "ext4", "noload" },
		{ "xfs", "norecovery" },
		{ "btrfs", "rescue=nologreplay" },
		{ "nilfs2", "norecovery" },
	};

	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcmp(type, options[i][0]))
			return options[i][1];
	return NULL;
}

static bool is_write_protected(const struct device *device)
{
	int readonly = 0;

	return device->fd >= 0 && !ioctl(device->fd, BLKROGET, &readonly) && readonly;
}

/*
 * The number of devices of a btrfs; 0 if that cannot be read (Documentation/filesystems/btrfs,
 * struct btrfs_super_block: num_devices at 0x88, the first copy of it all at 64 KiB).
 */
static uint64_t btrfs_devices(const struct device *device)
{
	unsigned char bytes[8];
	uint64_t count = 0;

	if (pread(device->fd, bytes, sizeof bytes, 65536 + 0x88) != sizeof bytes)
		return 0;
	for (size_t i = sizeof bytes; i--;)
		count = count << 8 | bytes[i];
	return count;
}

/*
 * Sets the names of the other devices of the same file system, as many as fit. Returns how many
 * there are.
 */
static unsigned other_devices(
	struct devices *devices, const struct device *device, char *ret_names, size_t size)
{
	unsigned found = 0;
	int used = 0;

	*ret_names = 0;
	for (size_t i = 0; i < devices->count; i++) {
		struct device *other = devices->at[i];
		int more;

		if (other == device || !devices_may_be_read(devices, other))
			continue;
		device_probe(other);
		device_close(other);
		if (strcmp(other->tags.type, "btrfs") ||
			strcmp(other->tags.uuid, device->tags.uuid))
			continue;
		found++;
		more = join(ret_names + used, size - (size_t)used, used ? "," : "", "device=/dev/",
			other->name, NULL);
		used += more > 0 ? more : 0;
	}
	return found;
}

/* For a btrfs on several devices. Returns whether a hint was set. */
static bool hint_btrfs(const struct rootparams *params, struct devices *devices,
	const struct device *device, char *ret_hint)
{
	uint64_t count = btrfs_devices(device);
	char names[128], have[12], all[12];
	unsigned others;

	if (count < 2)
		return false;
	others = other_devices(devices, device, names, sizeof names);
	if (others + 1 < count)
		return join(ret_hint, HINT_SIZE, "this btrfs is on ", decimal((unsigned)count, all),
			       " devices, of which ", decimal(others + 1, have),
			       others ? " are there" : " is there", NULL) > 0;
	/* If the user has named them, the reason is another one. */
	return !(params->flags && strstr(params->flags, "device=")) &&
	       join(ret_hint, HINT_SIZE, "this btrfs is on ", decimal((unsigned)count, all),
		       " devices, and the others must be named: rootflags=", names, NULL) > 0;
}

static void hint_invalid(const struct rootparams *params, const struct device *device,
	const char *type, char *ret_hint)
{
	const char *known = device->tags.type;

	if (*known && strcmp(known, type) != 0 && strncmp(known, "ext", 3) != 0)
		join(ret_hint, HINT_SIZE, "it contains ", known, ", not what rootfstype= names",
			NULL);
	else if (params->flags)
		join(ret_hint, HINT_SIZE,
			"rootflags= has an option that this file system does not know, or it is damaged",
			NULL);
	else
		join(ret_hint, HINT_SIZE,
			"the file system is damaged, or has a feature that this kernel lacks",
			NULL);
}

static void hint_missing(const struct rootparams *params, const char *type, char *ret_hint)
{
	bool subvolume = !strcmp(type, "btrfs") && params->flags && strstr(params->flags, "subvol");

	join(ret_hint, HINT_SIZE,
		subvolume
			? "rootflags= names a subvolume that does not exist"
			: "rootflags= names something that does not exist, or the image lacks a module that the driver needs",
		NULL);
}

static void hint_any(const char *type, int err, char *ret_hint)
{
	static const struct {
		int err;
		const char *hint;
	} hints[] = {
		{ ENXIO, "the device does not answer" },
		{ ENOMEDIUM, "the device does not answer" },
		{ EIO, "the device does not answer, or the file system is damaged" },
		{ EUCLEAN, "the file system is damaged and must be repaired from another system" },
		{ EBADMSG, "the file system is damaged and must be repaired from another system" },
		{ EBUSY, "the device is in use already" },
		{ EEXIST, "a file system with the same UUID is mounted already" },
		{ EFBIG, "the file system is larger than this kernel can use" },
		{ EOVERFLOW, "the file system is larger than this kernel can use" },
		{ EOPNOTSUPP, "the file system has a feature that this kernel lacks" },
	};

	*ret_hint = 0;
	if (err == -ENODEV)
		join(ret_hint, HINT_SIZE, "the kernel has no driver ",
			strncmp(type, "ext", 3) ? type : "ext4",
			": it must be built in, or its module must be in the image", NULL);
	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (err == -hints[i].err)
			join(ret_hint, HINT_SIZE, hints[i].hint, NULL);
}

void hint_device(const struct rootparams *params, struct devices *devices, struct device *device,
	const char *type, int err, char ret_hint[static HINT_SIZE])
{
	const char *option = without_journal(type);

	if (err != -ENODEV && !strcmp(device->tags.type, "btrfs") &&
		hint_btrfs(params, devices, device, ret_hint))
		return;
	if ((err == -EROFS || err == -EACCES) && is_write_protected(device))
		join(ret_hint, HINT_SIZE,
			"the device is write-protected, and the file system was not unmounted cleanly",
			option ? ": mount it as it is with rootflags=" : "", option ? option : "",
			NULL);
	else if (err == -EINVAL)
		hint_invalid(params, device, type, ret_hint);
	else if (err == -ENOENT)
		hint_missing(params, type, ret_hint);
	else
		hint_any(type, err, ret_hint);
}

void hint_source(const char *type, int err, char ret_hint[static HINT_SIZE])
{
	if (err == -ENOENT || err == -ENOTBLK)
		join(ret_hint, HINT_SIZE,
			"there is no such share; for a device use /dev/NAME, PARTUUID=, PARTLABEL=, UUID=, LABEL= or MAJOR:MINOR",
			NULL);
	else if (err == -EINVAL)
		join(ret_hint, HINT_SIZE, "it is not something that ", type,
			" can mount, or rootflags= has an option that it does not know", NULL);
	else
		hint_any(type, err, ret_hint);
}
