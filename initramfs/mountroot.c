/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/mountroot.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "initramfs/hint.h"
#include "initramfs/kmsg.h"
#include "initramfs/signatures.h"
#include "prepare-root/join.h"

/* What mount(2) is told besides source, target and type. */
struct options {
	unsigned long flags;
	char *data; /* for the file system; may be NULL */
};

/* Options of rootflags= that the VFS knows become flags; the file system's own stay text. */
static int read_options(const struct rootparams *params, struct options *ret_options)
{
	char *vfs = NULL;
	int err = 0;

	*ret_options = (struct options){ MS_SILENT | (params->writable ? 0 : MS_RDONLY), NULL };
	if (!params->flags)
		return 0;
	/* Options for mount(8) alone, such as x-systemd.*, are dropped. */
	err = mnt_split_optstr(params->flags, NULL, &vfs, &ret_options->data, 0, 0);
	if (!err && vfs)
		err = mnt_optstr_get_flags(
			vfs, &ret_options->flags, mnt_get_builtin_optmap(MNT_LINUX_MAP));
	free(vfs);
	return err;
}

/* The last attempt to mount something. */
struct attempt {
	char type[32];
	char reason[HINT_SIZE]; /* as the kernel logged it */
};

static int try_once(const char *source, const char *directory, unsigned long flags,
	const char *data, struct attempt *attempt)
{
	int kmsg = kmsg_open();
	int err = mount(source, directory, attempt->type, flags, data) ? -errno : 0;

	if (err)
		kmsg_first_error(kmsg, attempt->reason, sizeof attempt->reason);
	if (kmsg >= 0)
		close(kmsg);
	return err;
}

/* Mounts a device that refuses writes read-only, as the kernel does with root=. */
static int try_type(const char *source, const char *directory, const struct options *options,
	struct attempt *attempt)
{
	int err = try_once(source, directory, options->flags, options->data, attempt);

	if ((err == -EACCES || err == -EROFS) && !(options->flags & MS_RDONLY))
		err = try_once(
			source, directory, options->flags | MS_RDONLY, options->data, attempt);
	return err;
}

/*
 * Tries the types of a list, separated by commas. Stops at the first that works, and at an error
 * that does not come from the type.
 */
static int try_types(const char *source, const char *directory, const char *types,
	const struct options *options, struct attempt *ret_attempt)
{
	int err = -ENODEV;

	*ret_attempt = (struct attempt){ 0 };
	for (const char *next; *types; types = next) {
		size_t len = strcspn(types, ",");

		next = types + len + (types[len] == ',');
		if (!len || len >= sizeof ret_attempt->type)
			continue;
		memcpy(ret_attempt->type, types, len);
		ret_attempt->type[len] = 0;
		err = try_type(source, directory, options, ret_attempt);
		if (err != -ENODEV && err != -EINVAL)
			break;
	}
	return err;
}

/* What is to be mounted: a device, or another source, with devices and device NULL. */
struct target {
	const char *source;
	struct devices *devices;
	struct device *device;
};

static int mount_as(const struct rootparams *params, const struct target *target, const char *types,
	const char *directory, struct fault *ret_fault)
{
	struct options options;
	struct attempt attempt;
	char hint[HINT_SIZE];
	int err = read_options(params, &options);

	if (err)
		return fault(ret_fault, err, "rootflags=", params->flags,
			" is not a list of mount options: ", strerror(-err), NULL);
	err = try_types(target->source, directory, types, &options, &attempt);
	free(options.data);
	if (!err) {
		log_parts(LOG_INFO, "root=", params->root, " is ", target->source, ", ",
			attempt.type, NULL);
		return 0;
	}
	if (target->device)
		hint_device(params, target->devices, target->device, attempt.type, err, hint);
	else
		hint_source(attempt.type, err, hint);
	return fault(ret_fault, err, "cannot mount ", target->source,
		", which is root=", params->root, ", as ", attempt.type, ": ", strerror(-err),
		*hint ? "; " : "", hint, *attempt.reason ? "; the kernel says: " : "",
		attempt.reason,
		*hint || *attempt.reason ? "" : "; the kernel's messages may say why", NULL);
}

/* Where the driver's name is not libblkid's; the driver ext4 also mounts the older two. */
static const char *driver(const char *type)
{
	static const char *const names[][2] = {
		{ "ext2", "ext4,ext2" },
		{ "ext3", "ext4,ext3" },
		{ "ntfs", "ntfs3" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(type, names[i][0]))
			return names[i][1];
	return type;
}

static bool in_list(const char *list, const char *type)
{
	size_t len = strlen(type);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, type, len) && (!list[len] || list[len] == ','))
			return true;
	}
	return false;
}

int mountroot_device(const struct rootparams *params, struct devices *devices,
	struct device *device, const char *directory, struct fault *ret_fault)
{
	const char *types = params->fstypes, *type = device->tags.type;
	char source[80];
	const struct target target = { source, devices, device };

	device_probe(device);
	join(source, sizeof source, "/dev/", device->name, NULL);
	/* The user may choose among file systems; a container is never one of them. */
	if ((*type && !device->tags.filesystem) ||
		(device->error == -ENOTUNIQ && (!types || !signatures_are_filesystems(device))))
		return signatures_fault(device, params->root, ret_fault);
	/* The type found is right, unless rootfstype= names only others. */
	if (*type && (!types || in_list(types, type)))
		types = driver(type);
	if (types)
		return mount_as(params, &target, types, directory, ret_fault);
	if (device->error == -ENODATA)
		return fault(ret_fault, device->error, source, ", which is root=", params->root,
			", has no known file system: it is empty or damaged", NULL);
	return fault(ret_fault, device->error, "cannot read ", source,
		", which is root=", params->root, ": ", strerror(-device->error), NULL);
}

int mountroot_source(const struct rootparams *params, const char *source, const char *directory,
	struct fault *ret_fault)
{
	const char *types = params->fstypes;
	const char *name = source + (strncmp(source, "/dev/", 5) ? 0 : 5);
	const struct target target = { source, NULL, NULL };

	if (!types)
		types = strncmp(name, "ubi", 3) ? "jffs2,squashfs,cramfs" : "ubifs";
	return mount_as(params, &target, types, directory, ret_fault);
}
