/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/signatures.h"

#include <errno.h>
#include <string.h>

#include "prepare-root/join.h"

/* Types, separated by commas as wipefs accepts them. */
struct names {
	char text[SIGNATURES_SIZE];
	int used;
};

static void add(struct names *names, const char *type)
{
	names->used += join(names->text + names->used, sizeof names->text - (size_t)names->used,
		names->used ? "," : "", type, NULL);
}

/* Separates file systems from other types. */
static void read_signatures(
	struct device *device, struct names *ret_filesystems, struct names *ret_others)
{
	struct tags found[PROBE_SIGNATURES_MAX];
	size_t count = 0;

	ret_filesystems->used = ret_others->used = 0;
	*ret_filesystems->text = *ret_others->text = 0;
	if (!device_open(device))
		count = probe_signatures(device->fd, found);
	for (size_t i = 0; i < count; i++)
		add(found[i].filesystem ? ret_filesystems : ret_others, found[i].type);
	/* The device could be read before, but not any more. */
	if (!count)
		add(ret_others, *device->tags.type ? device->tags.type : "something unknown");
}

void signatures_names(struct device *device, char ret_names[SIGNATURES_SIZE])
{
	struct names filesystems, others;

	read_signatures(device, &filesystems, &others);
	join(ret_names, SIGNATURES_SIZE, others.text, others.used && filesystems.used ? "," : "",
		filesystems.text, NULL);
}

bool signatures_are_filesystems(struct device *device)
{
	struct names filesystems, others;

	read_signatures(device, &filesystems, &others);
	return !others.used;
}

int signatures_fault(struct device *device, const char *root, struct fault *ret_fault)
{
	struct names filesystems, others;

	read_signatures(device, &filesystems, &others);
	if (!filesystems.used)
		return fault(ret_fault, -EMEDIUMTYPE, "/dev/", device->name,
			", which is root=", root, ", is not a file system but ", others.text,
			": if the root file system is inside, dracut with the module rootstock can open it",
			NULL);
	if (!others.used)
		return fault(ret_fault, -ENOTUNIQ, "/dev/", device->name, ", which is root=", root,
			", has the signatures of several file systems, ", filesystems.text,
			": if one is left over, remove it from another system with wipefs --all --types TYPE /dev/",
			device->name, ", or choose one with root=/dev/", device->name,
			" and rootfstype=TYPE", NULL);
	return fault(ret_fault, -ENOTUNIQ, "/dev/", device->name, ", which is root=", root,
		", has the signatures of ", others.text, " and of ", filesystems.text,
		", and is not mounted: if the former is left over, remove it from another system with wipefs --all --types ",
		others.text, " /dev/", device->name,
		"; if the root file system is inside, dracut with the module rootstock can open it",
		NULL);
}
