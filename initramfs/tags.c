/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/tags.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

/* Returns NULL with the error set if there can be no probe. */
static blkid_probe open_probe(int fd, int *ret_error)
{
	blkid_probe probe;

	/* The signatures lie far apart: what the kernel would read ahead is not looked at. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	errno = 0;
	probe = blkid_new_probe();
	if (probe && !blkid_probe_set_device(probe, fd, 0, 0))
		return probe;
	*ret_error = errno ? -errno : -EIO;
	blkid_free_probe(probe);
	return NULL;
}

static void take(blkid_probe probe, const char *name, char *ret_value, size_t size)
{
	const char *value;
	size_t len;

	/* The length counts the zero byte at the end. */
	if (!blkid_probe_lookup_value(probe, name, &value, &len) && len <= size)
		memcpy(ret_value, value, len);
}

int tags_read(int fd, struct tags *ret_tags)
{
	char usage[16] = "";
	int err = 0;
	blkid_probe probe = open_probe(fd, &err);

	*ret_tags = (struct tags){ 0 };
	if (!probe)
		return err;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe,
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
	errno = 0;
	err = blkid_do_safeprobe(probe);
	if (!err) {
		take(probe, "TYPE", ret_tags->type, sizeof ret_tags->type);
		take(probe, "UUID", ret_tags->uuid, sizeof ret_tags->uuid);
		take(probe, "LABEL", ret_tags->label, sizeof ret_tags->label);
		take(probe, "USAGE", usage, sizeof usage);
		ret_tags->filesystem = !strcmp(usage, "filesystem");
	} else {
		err = err == 1 ? -ENODATA : err == -2 ? -ENOTUNIQ : errno ? -errno : -EIO;
	}
	blkid_free_probe(probe);
	return err;
}

int tags_partitions(
	int fd, void (*each)(unsigned number, const char *partuuid, void *context), void *context)
{
	int err = 0;
	blkid_probe probe = open_probe(fd, &err);
	blkid_partlist list;

	if (!probe)
		return err;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	errno = 0;
	list = blkid_probe_get_partitions(probe);
	if (!list)
		err = errno ? -errno : -ENODATA;
	for (int i = 0; list && i < blkid_partlist_numof_partitions(list); i++) {
		blkid_partition partition = blkid_partlist_get_partition(list, i);
		const char *uuid = blkid_partition_get_uuid(partition);
		int number = blkid_partition_get_partno(partition);

		if (uuid && number > 0)
			each((unsigned)number, uuid, context);
	}
	blkid_free_probe(probe);
	return err;
}
