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

/* What is looked for. */
enum stage { PARTITION, DISK, ANYTHING };

static int probe_superblocks(blkid_probe probe, enum stage stage)
{
	/*
	 * What systems have as their root, and what may look like it: the legs of a RAID, of DRBD
	 * or of bcache keep their own mark elsewhere, LVM may leave an old one in place. LUKS does
	 * not: its header covers all of these. From ddf_raid_member on they are on whole disks
	 * only.
	 */
	char *types[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "f2fs", "squashfs", "erofs",
		"vfat", "linux_raid_member", "LVM2_member", "drbd", "bcache",
		stage == PARTITION ? NULL : "ddf_raid_member", "isw_raid_member",
		"lsi_mega_raid_member", "via_raid_member", "silicon_medley_raid_member",
		"nvidia_raid_member", "promise_fasttrack_raid_member", "highpoint37x_raid_member",
		"highpoint45x_raid_member", "adaptec_raid_member", "jmicron_raid_member", NULL };

	blkid_reset_probe(probe);
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe,
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
	if (stage != ANYTHING)
		blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, types);
	else
		blkid_probe_reset_superblocks_filter(probe);
	errno = 0;
	switch (blkid_do_safeprobe(probe)) {
	case 0:
		return 0;
	case 1:
		return -ENODATA;
	case -2:
		return -ENOTUNIQ;
	default:
		/* So libblkid 2.41 answers to two signatures; without an errno to nothing else. */
		return errno ? -errno : -ENOTUNIQ;
	}
}

int tags_read(int fd, bool partition, struct tags *ret_tags)
{
	char usage[16] = "";
	int err = 0;
	blkid_probe probe = open_probe(fd, &err);

	*ret_tags = (struct tags){ 0 };
	if (!probe)
		return err;
	/* The other fifty types, ZFS above all, would be read from all over the device. */
	err = probe_superblocks(probe, partition ? PARTITION : DISK);
	if (err == -ENODATA)
		err = probe_superblocks(probe, ANYTHING);
	if (!err) {
		take(probe, "TYPE", ret_tags->type, sizeof ret_tags->type);
		take(probe, "UUID", ret_tags->uuid, sizeof ret_tags->uuid);
		take(probe, "LABEL", ret_tags->label, sizeof ret_tags->label);
		take(probe, "USAGE", usage, sizeof usage);
		/* A member of a pool is no file system of its own, whatever libblkid calls it. */
		ret_tags->filesystem =
			!strcmp(usage, "filesystem") && strcmp(ret_tags->type, "zfs_member") != 0;
	}
	blkid_free_probe(probe);
	return err;
}

int tags_partitions(
	int fd, void (*each)(unsigned number, const char *partuuid, void *context), void *context)
{
	/* Others have no UUID. */
	char *types[] = { "gpt", "dos", NULL };
	int err = 0;
	blkid_probe probe = open_probe(fd, &err);
	blkid_partlist list;

	if (!probe)
		return err;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_filter_partitions_type(probe, BLKID_FLTR_ONLYIN, types);
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
