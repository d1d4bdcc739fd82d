/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/layout.h"

#include <endian.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MKFS "mkfs.ext4 -O ^casefold,^ea_inode,^inline_data,^metadata_csum_seed"

/* The superblock of ext2, ext3 and ext4 (Documentation/filesystems/ext4/super.rst of Linux). */
enum {
	SUPERBLOCK = 1024,
	MAGIC = 0x38, /* 16 bits */
	MAGIC_VALUE = 0xef53,
	INCOMPAT = 0x60, /* 32 bits: what a reader must know */
	SUPERBLOCK_SIZE = 0x64,
};

static const struct feature {
	const char *name;
	uint32_t bit;
	unsigned loaders; /* that cannot read it */
} features[] = {
	{ "ea_inode", 0x400, LAYOUT_GRUB },
	{ "inline_data", 0x8000, LAYOUT_GRUB | LAYOUT_UBOOT },
	{ "casefold", 0x20000, LAYOUT_GRUB },
};

static const struct kind {
	const char *type; /* as the mount table has it */
	unsigned loaders;
	bool with_loader; /* only where libostree's loader is there */
	const char *what;
} kinds[] = {
	{ "xfs", LAYOUT_GRUB, false,
		"GRUB does not read the log of XFS, so after a loss of power it may find an old "
		"menu or none" },
	{ "xfs", LAYOUT_UBOOT, false, "U-Boot cannot read XFS" },
	{ "f2fs", LAYOUT_UBOOT, false, "U-Boot cannot read F2FS" },
	{ "vfat", LAYOUT_GRUB | LAYOUT_UBOOT, true,
		"FAT has no symlinks, so nothing can put all new entries in the place of the old "
		"ones at once, and a loss of power may leave some of both" },
};

static void add(const struct inspect_place *place, const char *what)
{
	char *file;

	if (asprintf(&file, "%sboot", place->root) < 0) {
		place->findings->failed = true;
		return;
	}
	findings_add(place->findings, FINDINGS_WARNING, file, 0,
		"%s; put it on a file system made with \"" MKFS " DEVICE\"", what);
	free(file);
}

/* No feature where there is no such file system. */
static uint32_t read_incompat(const char *device)
{
	unsigned char block[SUPERBLOCK_SIZE];
	int fd = device ? open(device, O_RDONLY | O_CLOEXEC) : -1;
	uint32_t incompat = 0;
	uint16_t magic;

	if (fd < 0)
		return 0;
	if (pread(fd, block, sizeof(block), SUPERBLOCK) == sizeof(block)) {
		memcpy(&magic, block + MAGIC, sizeof(magic));
		if (le16toh(magic) == MAGIC_VALUE)
			memcpy(&incompat, block + INCOMPAT, sizeof(incompat));
	}
	close(fd);
	return le32toh(incompat);
}

static void judge_features(
	const struct inspect_place *place, uint32_t incompat, enum layout_loader loader)
{
	for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
		char what[64];

		if (!(incompat & features[i].bit) || !(features[i].loaders & loader))
			continue;
		(void)snprintf(what, sizeof(what), "%s cannot read an ext4 with %s",
			loader == LAYOUT_GRUB ? "GRUB" : "U-Boot", features[i].name);
		add(place, what);
	}
}

static bool has_loader(int boot_fd)
{
	struct stat st;

	return fstatat(boot_fd, "loader", &st, AT_SYMLINK_NOFOLLOW) == 0;
}

void layout_judge(
	const struct inspect_place *place, const struct bootfs *bootfs, enum layout_loader loader)
{
	if (!bootfs->type)
		return;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(bootfs->type, kinds[i].type) && kinds[i].loaders & loader &&
			(!kinds[i].with_loader || has_loader(place->boot_fd)))
			add(place, kinds[i].what);
	if (!strncmp(bootfs->type, "ext", strlen("ext")))
		judge_features(place, read_incompat(bootfs->device), loader);
}
