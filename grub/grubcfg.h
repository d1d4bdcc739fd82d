/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * render: a menu as a grub.cfg.
 *
 * The file is made for GRUB 2.06 and later on every platform, needs of its modules only test (and
 * what its settings name), and is the same for the same menu. A file that was not written to its
 * end, or that goes on with the end of another menu, adds no entry at all. The last line is
 * GRUBCFG_MARK, by which other readers know a whole one.
 */
#pragma once

#include "bls/text.h"
#include "bls/verdict.h"
#include "grub/menuentry.h"

#define GRUBCFG_MARK "set rootstock_complete=1\n"

/* What a menu may have that its entries do not say; NULL stands for GRUB's or our default. */
struct grubcfg_style {
	struct menuentry_rules rules;
	const char *chosen;   /* GRUB's default: a number, an id or a title */
	const char *timeout;  /* seconds, or "-1" to wait for ever */
	const char *serial;   /* the words of the serial command */
	const char *terminal; /* the words of terminal_input and terminal_output */
	const char *uuid; /* of the file system that has the files, when GRUB must look for it */
};

/*
 * Adds the whole file to text. An item that GRUB cannot carry out to the letter is refused (see
 * menuentry.h). Returns the number of entries in the file. Where there are items
 * and none gets into it, text is left as it was; the menu of no items is whole, and empty.
 */
size_t grubcfg_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct grubcfg_style *style);

/* True for a line of such a file that follows from the entries, and not from the style. */
bool grubcfg_from_entries(const char *line, size_t length);
