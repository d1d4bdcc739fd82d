/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysroot: the system that a program works on, opened once: its root, its /boot, its entries and
 * the directory of the output.
 *
 * Nothing is taken from the running system: everything follows from the command line and from two
 * variables of the environment, _OSTREE_GRUB2_BOOTVERSION, with which libostree says that it is the
 * caller and which of loader.0 and loader.1 it has just written, and OSTREE_BOOT_PARTITION, the
 * path prefix as libostree's own generator script knows it.
 *
 * Entries are, in this order: --entries DIR; in libostree's hook ROOT/boot/loader.B/entries (on EFI
 * the output does not stand beside them); entries/ beside the output. ROOT is --root DIR, else what
 * stands before the last /boot/ of the output's name; in the hook, before the last one after which
 * loader.B/entries is, because GRUB's own directory may be /boot/efi/EFI/boot.
 *
 * The path to ROOT is the caller's, and is opened as any other. What is below ROOT comes from a
 * disk or an image, so its symlinks are followed as the booted system follows them: an absolute one
 * begins at ROOT, and none leads out. That holds for each path that passes ROOT on its way, whoever
 * has named it. Other file systems may be mounted below ROOT. A path that does not pass ROOT, as
 * that of an output on an ESP mounted elsewhere, is the caller's again.
 *
 * The boot loader sees paths from the root of the file system that holds /boot. The prefix auto is
 * "/boot" where ROOT/boot/loader is a symlink, because libostree keeps the symlink /boot/boot -> .
 * and so "/boot/..." is right whether or not /boot is a file system of its own; and "" where it is
 * a real directory, which means a FAT /boot, where symlinks do not exist. Where the mount table
 * says that /boot lies deeper in its file system, as in a btrfs subvolume (bls/bootfs.h), the path
 * from the top comes before it.
 */
#pragma once

#include <limits.h>

#include "bls/report.h"

/* What the command line says. */
struct sysroot_wish {
	const char *out;     /* "-" is standard output */
	const char *root;    /* NULL: what stands before /boot/ in out */
	const char *entries; /* NULL: found by the rules above */
	const char *prefix;  /* "auto", "none" or a path that begins with "/" */
};

struct sysroot {
	int root_fd;   /* -1 where neither --root nor the output's name tells */
	char *root;    /* with "/" at its end, for messages */
	int boot_fd;   /* ROOT/boot, or -1 where there is no ROOT, or no boot in it */
	int loader_fd; /* in libostree's hook the loader.B that it writes, else -1 */
	int entries_fd;
	char *entries; /* its name, for messages */
	int out_fd;    /* the directory of the output, or -1 for standard output */
	const char *out;
	char *out_name; /* in that directory */
	char *prefix;	/* "" or a path without "/" at its end */
};

/* False, with the reason reported, for a wish that cannot mean anything. Nothing is opened. */
bool sysroot_wish_valid(const struct sysroot_wish *wish, const struct reporter *reporter);

/*
 * Opens everything. Returns 0 or, with the reason reported, -1. *ret_sysroot must be closed in any
 * case.
 */
int sysroot_open(const struct sysroot_wish *wish, const struct reporter *reporter,
	struct sysroot *ret_sysroot);

/*
 * Where a path of the command line leads: *ret_path, to be opened with O_NOFOLLOW in *ret_dir_fd,
 * if it passes ROOT; else, with *ret_dir_fd AT_FDCWD, the path itself. Returns 0 or a negative
 * errno: -EXDEV if it leads out of ROOT to where the booted system would find nothing.
 */
int sysroot_locate(
	const struct sysroot *sysroot, const char *path, int *ret_dir_fd, char ret_path[PATH_MAX]);

/* The end of a sentence about what sysroot_locate() could not find. */
const char *sysroot_why(int error);

/*
 * Whether a loader may read what is in this directory at this moment. Only loader.0 or loader.1 is
 * read by nobody, as long as the symlink loader leads to the other one.
 */
bool sysroot_is_live(const struct sysroot *sysroot, int dir_fd);

void sysroot_close(struct sysroot *sysroot);
