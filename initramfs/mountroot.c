/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/mountroot.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "prepare-root/join.h"

/* What mount(2) is told besides source, target and type. */
struct options {
	unsigned long flags;
	char *data; /* for the file system; may be NULL */
};

/* The words of rootflags= that the VFS knows become flags; what the file system knows stays text.
 */
static int read_options(const struct request *request, struct options *ret_options)
{
	char *vfs = NULL;
	int err = 0;

	*ret_options = (struct options){ MS_SILENT | (request->writable ? 0 : MS_RDONLY), NULL };
	if (!request->flags)
		return 0;
	/* What only mount(8) knows, x-systemd.* say, is for nobody here. */
	err = mnt_split_optstr(request->flags, NULL, &vfs, &ret_options->data, 0, 0);
	if (!err && vfs)
		err = mnt_optstr_get_flags(
			vfs, &ret_options->flags, mnt_get_builtin_optmap(MNT_LINUX_MAP));
	free(vfs);
	return err;
}

static const char *hint(int err, const char *type)
{
	switch (-err) {
	case ENODEV:
		return !strncmp(type, "ext", 3) ? "the kernel has no driver ext4: it must be built "
						  "in, or its module "
						  "be in the image"
						: "the kernel has no driver of that name: it must "
						  "be built in, or its "
						  "module be in the image";
	case EINVAL:
		return "the file system is damaged, or rootflags= has an option that it does not "
		       "know; the kernel's messages say which";
	case ENOENT:
	case ENOTBLK:
		return "there is no such share; a device would be /dev/NAME, PARTUUID=, "
		       "PARTLABEL=, "
		       "UUID=, LABEL= or MAJOR:MINOR";
	case ENXIO:
	case ENOMEDIUM:
	case EIO:
		return "the device does not answer";
	case EUCLEAN:
	case EBADMSG:
		return "the file system is damaged and must be repaired from another system";
	case EBUSY:
		return "the device is in use already";
	default:
		return "the kernel's messages may say why";
	}
}

/* One try; a device that refuses writes is mounted read-only, as the kernel does with root=. */
static int try_type(
	const char *source, const char *directory, const char *type, const struct options *options)
{
	unsigned long flags = options->flags;
	int err = mount(source, directory, type, flags, options->data) ? -errno : 0;

	if ((err == -EACCES || err == -EROFS) && !(flags & MS_RDONLY)) {
		flags |= MS_RDONLY;
		err = mount(source, directory, type, flags, options->data) ? -errno : 0;
	}
	return err;
}

/*
 * Tries the types of a list, separated by commas. Stops at the first that works, and at an error
 * that another type cannot mend. Sets the type of the last try.
 */
static int try_types(const char *source, const char *directory, const char *types,
	const struct options *options, char ret_type[32])
{
	int err = -ENODEV;

	for (const char *next; *types; types = next) {
		size_t len = strcspn(types, ",");

		next = types + len + (types[len] == ',');
		if (!len || len >= 32)
			continue;
		memcpy(ret_type, types, len);
		ret_type[len] = 0;
		err = try_type(source, directory, ret_type, options);
		if (err != -ENODEV && err != -EINVAL)
			break;
	}
	return err;
}

static int mount_as(const struct request *request, const char *source, const char *types,
	const char *directory, struct fault *ret_fault)
{
	struct options options;
	struct fault line;
	char type[32] = "";
	int err = read_options(request, &options);

	if (err)
		return fault(ret_fault, err, "rootflags=", request->flags,
			" is not a list of mount options: ", strerror(-err), NULL);
	err = try_types(source, directory, types, &options, type);
	free(options.data);
	if (err)
		return fault(ret_fault, err, "cannot mount ", source,
			", which is root=", request->root, ", as ", type, ": ", strerror(-err),
			"; ", hint(err, type), NULL);
	fault(&line, 0, "root=", request->root, " is ", source, ", ", type, NULL);
	log_line(LOG_DONE, line.sentence);
	return 0;
}

/* Drivers that go by another name than libblkid's; ext4's driver knows the older two. */
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

static int no_filesystem(
	const struct request *request, const struct device *device, struct fault *ret_fault)
{
	const char *type = device->tags.type;

	if (!strcmp(type, "crypto_LUKS") || !strcmp(type, "LVM2_member") ||
		strstr(type, "_raid_member"))
		return fault(ret_fault, -EMEDIUMTYPE, "/dev/", device->name,
			", which is root=", request->root, ", is no file system but ", type,
			", which this initramfs cannot open: use dracut with the module rootstock",
			NULL);
	return fault(ret_fault, -EMEDIUMTYPE, "/dev/", device->name,
		", which is root=", request->root, ", is no file system but ", type, NULL);
}

int mountroot_device(const struct request *request, struct devices *devices, struct device *device,
	const char *directory, struct fault *ret_fault)
{
	const char *types = request->fstypes, *type = device->tags.type;
	char source[80];

	device_probe(devices, device);
	join(source, sizeof source, "/dev/", device->name, NULL);
	if (*type && !device->tags.filesystem)
		return no_filesystem(request, device, ret_fault);
	/* The bytes are right, unless the user insists on something else. */
	if (*type && (!types || in_list(types, type)))
		types = driver(type);
	if (types)
		return mount_as(request, source, types, directory, ret_fault);
	if (device->error == -ENOTUNIQ)
		return fault(ret_fault, device->error, source, ", which is root=", request->root,
			", has the signatures of two file systems: say which with rootfstype=, or "
			"remove one with wipefs",
			NULL);
	if (device->error == -ENODATA)
		return fault(ret_fault, device->error, source, ", which is root=", request->root,
			", has no file system that is known: it is empty, or damaged", NULL);
	return fault(ret_fault, device->error, "cannot read ", source,
		", which is root=", request->root, ": ", strerror(-device->error), NULL);
}

int mountroot_source(const struct request *request, const char *source, const char *directory,
	struct fault *ret_fault)
{
	const char *types = request->fstypes;
	const char *name = source + (strncmp(source, "/dev/", 5) ? 0 : 5);

	if (!types)
		types = strncmp(name, "ubi", 3) ? "jffs2,squashfs,cramfs" : "ubifs";
	return mount_as(request, source, types, directory, ret_fault);
}
