/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/bootfs-limits.h"

#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/check/grubdir.h"

/* The superblock of ext2, ext3 and ext4 (Documentation/filesystems/ext4/super.rst of Linux). */
enum {
	SUPERBLOCK = 1024,
	LOG_BLOCK_SIZE = 0x18, /* 32 bits: 0 for 1 KiB */
	MAGIC = 0x38,	       /* 16 bits */
	MAGIC_VALUE = 0xef53,
	INCOMPAT = 0x60,  /* 32 bits: what a reader must know */
	RO_COMPAT = 0x64, /* 32 bits: what only a writer must know */
	SUPERBLOCK_SIZE = 0x68,
};

/* The one table of features that loaders cannot read: warnings and the advice come from it, and the
 * tests compare the manual with it. */
static const struct feature {
	const char *name; /* for mke2fs */
	unsigned field;
	uint32_t bit;
	bool small_blocks;   /* only where blocks have 1 KiB */
	unsigned unreadable; /* of LOADER_EXT4_... */
} features[] = {
	/* Loaders expect the first block group a block later than it is. */
	{ "bigalloc", RO_COMPAT, 0x200, true, LOADER_EXT4_BIGALLOC_1K },
	{ "casefold", INCOMPAT, 0x20000, false, LOADER_EXT4_CASEFOLD },
	{ "ea_inode", INCOMPAT, 0x400, false, LOADER_EXT4_EA_INODE },
	{ "inline_data", INCOMPAT, 0x8000, false, LOADER_EXT4_INLINE_DATA },
	{ "large_dir", INCOMPAT, 0x4000, false, LOADER_EXT4_LARGE_DIR },
	{ "metadata_csum_seed", INCOMPAT, 0x2000, false, LOADER_EXT4_CSUM_SEED },
};

enum { FEATURES = sizeof features / sizeof *features };

static const struct finding_kind bootfs_limit = { "bootfs", FINDINGS_WARNING, false };

static void add(const struct sysroot *sysroot, const char *what, struct findings *findings)
{
	struct text options = { 0 };

	for (size_t i = 0; i < FEATURES; i++)
		text_print(&options, "%s^%s", i ? "," : "", features[i].name);
	findings_add(
		findings, &bootfs_limit, (struct place){ sysroot->root, "boot", 0 }, "%s", what);
	if (text_string(&options))
		findings_remedy(findings,
			"put it on a file system made with \"mkfs.ext4 -O %s DEVICE\"",
			options.bytes);
	findings->failed |= options.failed;
	text_free(&options);
}

static uint32_t field(const unsigned char block[SUPERBLOCK_SIZE], unsigned offset)
{
	uint32_t value;

	memcpy(&value, block + offset, sizeof value);
	return le32toh(value);
}

/* False if it is another file system, or cannot be read. */
static bool read_superblock(const char *device, unsigned char block[SUPERBLOCK_SIZE])
{
	int fd = device ? open(device, O_RDONLY | O_CLOEXEC) : -1;
	bool whole;

	if (fd < 0)
		return false;
	whole = pread(fd, block, SUPERBLOCK_SIZE, SUPERBLOCK) == SUPERBLOCK_SIZE;
	close(fd);
	return whole && (field(block, MAGIC) & 0xffff) == MAGIC_VALUE;
}

static void check_features(const struct sysroot *sysroot, const char *device,
	const struct loader *loader, struct findings *findings)
{
	unsigned char block[SUPERBLOCK_SIZE];
	unsigned older = loader->older_unreadable_ext4;

	if (!read_superblock(device, block))
		return;
	if (older && grubdir_is_since(sysroot->boot_fd, loader->since))
		older = 0;
	for (size_t i = 0; i < FEATURES; i++) {
		const struct feature *feature = &features[i];
		const bool all = loader->unreadable_ext4 & feature->unreadable;
		char what[100];

		if (!(field(block, feature->field) & feature->bit) ||
			(!all && !(older & feature->unreadable)) ||
			(feature->small_blocks && field(block, LOG_BLOCK_SIZE)))
			continue;
		(void)snprintf(what, sizeof what, "%s cannot read an ext4 with %s%s",
			all ? loader->name : loader->older, feature->name,
			feature->small_blocks ? " and blocks of 1 KiB" : "");
		add(sysroot, what, findings);
	}
}

static bool has_loader(int boot_fd)
{
	struct stat st;

	return fstatat(boot_fd, "loader", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void bootfs_limits_check(const struct sysroot *sysroot, const struct bootfs *bootfs,
	const struct loader *loader, struct findings *findings)
{
	if (!bootfs->type)
		return;
	for (const struct loader_limit *limit = loader->limits; limit->type; limit++)
		if (!strcmp(bootfs->type, limit->type))
			add(sysroot, limit->what, findings);
	/* This one holds for all loaders. */
	if (!strcmp(bootfs->type, "vfat") && has_loader(sysroot->boot_fd))
		add(sysroot,
			"FAT has no symlinks, so nothing can put all new entries in the place of the old ones at once, and a loss of power may leave some of both",
			findings);
	if (!strncmp(bootfs->type, "ext", strlen("ext")))
		check_features(sysroot, bootfs->device, loader, findings);
}
