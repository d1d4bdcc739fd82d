/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/probe.h"

#include <blkid/blkid.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/*
 * Prepares the probe for the superblocks of a device. There is only one, which keeps its memory:
 * freeing and allocating that takes longer than the probe itself. Returns NULL with the error set
 * if that fails.
 */
static blkid_probe start_probe(int fd, int *ret_error)
{
	static blkid_probe probe;

	errno = 0;
	if (!probe)
		probe = blkid_new_probe();
	if (!probe || blkid_probe_set_device(probe, fd, 0, 0)) {
		*ret_error = errno ? -errno : -EIO;
		return NULL;
	}
	/* Most signatures are here; the others are too far apart to be read ahead. */
	(void)posix_fadvise(fd, 0, 68 << 10, POSIX_FADV_WILLNEED);
	blkid_probe_enable_partitions(probe, 0);
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_reset_superblocks_filter(probe);
	blkid_probe_set_superblocks_flags(probe,
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL);
	return probe;
}

static void take(blkid_probe probe, const char *name, char *ret_value, size_t size)
{
	const char *value;
	size_t len;

	/* The length includes the zero byte. */
	if (!blkid_probe_lookup_value(probe, name, &value, &len) && len <= size)
		memcpy(ret_value, value, len);
}

static void take_tags(blkid_probe probe, struct tags *ret_tags)
{
	static const char member[] = "_member";
	char usage[16] = "";
	size_t len;

	*ret_tags = (struct tags){ 0 };
	take(probe, "TYPE", ret_tags->type, sizeof ret_tags->type);
	take(probe, "UUID", ret_tags->uuid, sizeof ret_tags->uuid);
	take(probe, "LABEL", ret_tags->label, sizeof ret_tags->label);
	take(probe, "UUID_SUB", ret_tags->member, sizeof ret_tags->member);
	take(probe, "USAGE", usage, sizeof usage);
	len = strlen(ret_tags->type);
	/* libblkid calls zfs_member a file system, but it is only a member of a pool. */
	ret_tags->filesystem =
		!strcmp(usage, "filesystem") &&
		(len < sizeof member || strcmp(ret_tags->type + len - strlen(member), member) != 0);
}

/* Types that are found only by reading long areas, and the size of such an area. */
static char *scattered[] = { "zfs_member", "xfs_external_log", NULL };
enum { AREA = 131072 };

/* True if the area has a signature of these: an uberblock in either byte order, a log record. */
static bool has_scattered(const unsigned char *area)
{
	const uint64_t uberblock = 0x00bab10c;
	uint64_t first;

	for (const unsigned char *sector = area; sector < area + AREA; sector += 512) {
		memcpy(&first, sector, sizeof first);
		if (le64toh(first) == uberblock || be64toh(first) == uberblock ||
			be64toh(first) >> 32 == 0xfeedbabe)
			return true;
	}
	return false;
}

/*
 * False if the device has none of the scattered types. libblkid's own search takes 2.7 million
 * instructions, half of a boot from /init on: it reads more, and through the page cache. A log of
 * XFS has its signature in one of the first 512 sectors; ZFS has four in the second halves of the
 * first two and the last two 256 KiB.
 */
static bool may_be_scattered(blkid_probe probe, int fd)
{
	static _Alignas(4096) unsigned char area[AREA];
	const off_t size = blkid_probe_get_size(probe), one = AREA;
	const off_t end = size - size % (2 * one);
	const off_t areas[] = { 0, one, 3 * one, end - 3 * one, end - one };
	const int flags = fcntl(fd, F_GETFL);
	bool may = size < 8 * one;

	/* This fails on a file system in memory, which is then read as usual. */
	fcntl(fd, F_SETFL, flags | O_DIRECT);
	for (size_t i = 0; !may && i < sizeof areas / sizeof *areas; i++)
		may = pread(fd, area, AREA, areas[i]) != AREA || has_scattered(area);
	fcntl(fd, F_SETFL, flags);
	return may;
}

static int probe_safely(blkid_probe probe, struct tags *ret_tags)
{
	errno = 0;
	switch (blkid_do_safeprobe(probe)) {
	case 0:
		take_tags(probe, ret_tags);
		return 0;
	case 1:
		return -ENODATA;
	case -2:
		return -ENOTUNIQ;
	default:
		/* libblkid 2.41 returns this for two signatures, and then without an errno. */
		return errno ? -errno : -ENOTUNIQ;
	}
}

static int probe_all(blkid_probe probe, int fd, struct tags *ret_tags)
{
	if (!may_be_scattered(probe, fd))
		blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_NOTIN, scattered);
	return probe_safely(probe, ret_tags);
}

int probe_read(int fd, struct tags *ret_tags)
{
	int err = 0;
	blkid_probe probe = start_probe(fd, &err);

	*ret_tags = (struct tags){ 0 };
	if (probe)
		err = probe_all(probe, fd, ret_tags);
	return err;
}

int probe_guess(int fd, bool *ret_sure, struct tags *ret_tags)
{
	char *usual[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "f2fs", "squashfs", "erofs",
		"vfat", NULL };
	int err = 0;
	blkid_probe probe = start_probe(fd, &err);

	*ret_sure = false;
	*ret_tags = (struct tags){ 0 };
	if (!probe)
		return err;
	blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, usual);
	err = probe_safely(probe, ret_tags);
	if (err == -ENODATA) {
		blkid_reset_probe(probe);
		blkid_probe_reset_superblocks_filter(probe);
		err = probe_all(probe, fd, ret_tags);
		*ret_sure = true;
	}
	return err;
}

size_t probe_signatures(int fd, struct tags ret_marks[static PROBE_SIGNATURES_MAX])
{
	int err;
	blkid_probe probe = start_probe(fd, &err);
	size_t count = 0;

	while (probe && count < PROBE_SIGNATURES_MAX && !blkid_do_probe(probe))
		take_tags(probe, &ret_marks[count++]);
	return count;
}

int probe_partitions(int fd, bool force_gpt,
	void (*each)(const struct probe_partition *partition, void *context), void *context)
{
	/* Others have neither UUIDs nor names. */
	char *types[] = { "gpt", "dos", NULL };
	int err = 0;
	blkid_probe probe = start_probe(fd, &err);
	blkid_partlist list;

	if (!probe)
		return err;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	blkid_probe_filter_partitions_type(probe, BLKID_FLTR_ONLYIN, types);
	blkid_probe_set_partitions_flags(probe, force_gpt ? BLKID_PARTS_FORCE_GPT : 0);
	errno = 0;
	list = blkid_probe_get_partitions(probe);
	if (!list)
		err = errno ? -errno : -ENODATA;
	for (int i = 0; list && i < blkid_partlist_numof_partitions(list); i++) {
		blkid_partition entry = blkid_partlist_get_partition(list, i);
		struct probe_partition partition = {
			.number = (unsigned)blkid_partition_get_partno(entry),
			.uuid = blkid_partition_get_uuid(entry),
			.name = blkid_partition_get_name(entry),
		};

		each(&partition, context);
	}
	return err;
}
