/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uenv: a menu as the variables of uEnv.txt.
 *
 * Each entry becomes kernel_image, bootdir, ramdisk_image, ramdisk_images, fdt_file, fdtdir and
 * bootargs. The second entry has the same names with a 2 at the end, and so on. A name without a
 * value is written too, for all entries up to UENV_CLEARED, because "NAME=" deletes what an earlier
 * import has set; but fdt_file and fdtdir only if some entry has one. The last line is UENV_MARK:
 * U-Boot imports an incomplete file without a message, and this line shows that it is complete. The
 * line before, UENV_CRC, detects a file that has the head of one menu and the tail of another.
 */
#pragma once

#include <stdbool.h>

#include "bls/text.h"
#include "bls/verdict.h"

#define UENV_MARK "rootstock_complete"
/* The checksum (crc.h) of all lines before this one, byte by byte in U-Boot's memory order. */
#define UENV_CRC "rootstock_crc32"

/* The content of the grub.cfg that libostree asks for. */
#define UENV_STANDIN "# The menu of this system is uEnv.txt, for U-Boot.\n"

enum { UENV_CLEARED = 9 };

struct uenv_style {
	const char *prefix;	  /* see bootpath.h */
	int boot_fd;		  /* ROOT/boot, to read kernels' headers, or -1 */
	bool ostree;		  /* only what libostree's own writer writes, in its order */
	const char *keep;	  /* fields that are not deleted (words.h), or NULL */
	const struct text *lines; /* the integrator's */
};

/* Adds the whole file. An item that U-Boot cannot carry out is refused: -EINVAL for a path that a
 * script could not use, -E2BIG for a command line that is longer than the kernel accepts. Returns
 * the number of entries. If there are items but none gets into the file, text does not change;
 * without items the file is complete and deletes all fields. */
size_t uenv_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct uenv_style *style);

/* True if a name of length bytes is a field's, with or without a number, or that of one of the last
 * two lines. */
bool uenv_owns(const char *name, size_t length);

/* True if a name without a number is a field's. */
bool uenv_has_field(const char *name, size_t length);

/* What is wrong with a file that ends in UENV_MARK, by its checksum, as a sentence; else NULL. A file
 * without one is accepted, as by boot.cmd. */
const char *uenv_damage(const struct text *file);

/* True for a line that follows from the entries. */
bool uenv_from_entries(const char *line, size_t length);
