/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysroot: the system that a program works on, opened once: its root, its /boot, its entries and
 * the directory of the output.
 *
 * Nothing is taken from the running system. Everything follows from the command line and from two
 * variables that libostree sets for its hook: _OSTREE_GRUB2_BOOTVERSION says which of loader.0 and
 * loader.1 it has just written, and OSTREE_BOOT_PARTITION is the prefix that libostree's own
 * generator script uses.
 *
 * The directory of entries is --entries DIR; else, in libostree's hook, ROOT/boot/loader.B/entries,
 * because on EFI the output is in another directory; else entries/ beside the output. ROOT is
 * --root DIR, else the part of the output's name before the last /boot/. In the hook it is the last
 * one that has loader.B/entries below it, because GRUB's own directory may be /boot/efi/EFI/boot.
 *
 * The caller's path to ROOT is opened like any path. What is below ROOT comes from a disk or an
 * image, so symlinks there are followed as the booted system follows them: an absolute one starts
 * at ROOT, and none leads out of it. This holds for each path of the command line that leads
 * through ROOT. Other file systems may be mounted below ROOT. A path that does not lead through
 * ROOT, for example to an ESP that is mounted elsewhere, is opened like any path.
 *
 * A boot loader sees paths from the top of the file system that has /boot. The prefix "auto" is
 * "/boot" if ROOT/boot/loader is a symlink: libostree keeps the symlink /boot/boot -> ., so
 * "/boot/..." is right whether or not /boot is a file system of its own. It is "" if loader is a
 * directory, as on FAT, which has no symlinks. If the mount table shows that /boot is deeper in its
 * file system, for example in a btrfs subvolume (bls/bootfs.h), the path from the top comes first.
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
	int root_fd;   /* -1 if neither --root nor the output's name gives it */
	char *root;    /* with "/" at its end, for messages */
	int boot_fd;   /* ROOT/boot; -1 if there is none */
	int loader_fd; /* in libostree's hook the loader.B that it writes; else -1 */
	int entries_fd;
	char *entries; /* its name, for messages */
	int out_fd;    /* the directory of the output, or -1 for standard output */
	const char *out;
	char *out_name; /* in that directory */
	char *prefix;	/* "" or a path without "/" at its end */
};

/* Checks the options without opening anything. False, with the reason reported, if one is wrong. */
bool sysroot_wish_valid(const struct sysroot_wish *wish, const struct reporter *reporter);

/* Returns 0, or -1 with the reason reported. *ret_sysroot must be closed in any case. */
int sysroot_open(const struct sysroot_wish *wish, const struct reporter *reporter,
	struct sysroot *ret_sysroot);

/* Follows a path of the command line. If it leads through ROOT, *ret_path is to be opened with
 * O_NOFOLLOW in *ret_dir_fd; else it is the path itself, and *ret_dir_fd is AT_FDCWD. Returns 0 or
 * a negative errno: -EXDEV if a symlink leads out of ROOT and the booted system would find
 * nothing. */
int sysroot_locate(
	const struct sysroot *sysroot, const char *path, int *ret_dir_fd, char ret_path[PATH_MAX]);

/* Why sysroot_locate() failed, as the end of a sentence. */
const char *sysroot_why(int error);

/* True if a boot loader may read this directory now. It does not read loader.0 or loader.1 while
 * the symlink loader leads to the other one. */
bool sysroot_is_live(const struct sysroot *sysroot, int dir_fd);

void sysroot_close(struct sysroot *sysroot);
