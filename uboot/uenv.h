/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fields: a menu as the variables of uEnv.txt.
 *
 * Each entry becomes kernel_image, bootdir, ramdisk_image, ramdisk_images, fdt_file, fdtdir and
 * bootargs, the second entry the same names with a 2 behind them, and so on. A name without a value
 * is there too, because "NAME=" deletes what an earlier import has left, for all entries up to
 * UENV_CLEARED; but fdt_file and fdtdir only where some entry names one. The last line is
 * UENV_MARK: a file without it was not written to its end, and U-Boot itself would take it
 * without a word. The line before, UENV_CRC, tells a whole file from the head of one and the tail
 * of another.
 */
#pragma once

#include <stdbool.h>

#include "bls/text.h"
#include "bls/verdict.h"

#define UENV_MARK "rootstock_complete"
/* The checksum (crc.h) of all lines before, byte by byte as U-Boot has it in memory. */
#define UENV_CRC "rootstock_crc32"

/* What the file that libostree asks for, a grub.cfg, says beside a uEnv.txt. */
#define UENV_STANDIN "# The menu of this system is uEnv.txt, for U-Boot.\n"

enum { UENV_CLEARED = 9 };

struct uenv_style {
	const char *prefix;	  /* before every path that does not begin with it (bootpath.h) */
	int boot_fd;		  /* ROOT/boot, to look at kernels, or -1 */
	bool ostree;		  /* nothing but what libostree's own writer writes, in its order */
	const char *keep;	  /* blank-separated fields that are not deleted; NULL for none */
	const struct text *lines; /* of the integrator; without the mark */
};

/*
 * Adds the whole file to text. An item that U-Boot cannot carry out is refused: -EINVAL for a
 * path that a script could not use, -E2BIG for a command line that is longer than the kernel takes. Returns the number of entries in the file. Where there are items and none gets
 * into it, text is left as it was; the file of no items is whole, and deletes all fields.
 */
size_t uenv_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct uenv_style *style);

/* True for a name, of length bytes, that is a field's, whatever number is behind it, or that of
 * one of the last two lines. */
bool uenv_owns(const char *name, size_t length);

/* True for a name without number that is a field's. */
bool uenv_has_field(const char *name, size_t length);

/* True for a line of such a file that follows from the entries. */
bool uenv_from_entries(const char *line, size_t length);
