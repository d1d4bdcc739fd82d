/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grubcfg: a menu as a grub.cfg.
 *
 * The file works with GRUB 2.06 and later on every platform. Of GRUB's modules it needs only test
 * and those of its settings. The same menu gives the same bytes. A file that is not complete, or
 * that goes on with the end of another menu, adds no entry at all. The last line is GRUBCFG_MARK,
 * by which other readers recognize a complete file.
 */
#pragma once

#include "bls/text.h"
#include "bls/verdict.h"
#include "grub/menuentry.h"

#define GRUBCFG_MARK "set rootstock_complete=1\n"

/* What the menu has besides its entries. NULL means GRUB's or our default. */
struct grubcfg_style {
	struct menuentry_rules rules;
	const char *chosen;   /* GRUB's default: a number, an id or a title */
	const char *timeout;  /* seconds, or "-1" to wait for ever */
	const char *serial;   /* the words of the serial command */
	const char *terminal; /* the words of terminal_input and terminal_output */
	const char *uuid;     /* of the file system that GRUB must search for */
};

/* Adds the whole file. An item that GRUB cannot carry out exactly is refused (menuentry.h). Returns
 * the number of entries. If there are items but none gets into the file, text does not change;
 * without items the file is complete and has no entry. */
size_t grubcfg_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct grubcfg_style *style);

/* What is wrong with a file that ends in GRUBCFG_MARK and adds no entry all the same, as a sentence;
 * else NULL. A file that somebody has changed need not be wrong. */
const char *grubcfg_damage(const struct text *file);

/* True for a line that follows from the entries, not from the style. */
bool grubcfg_from_entries(const char *line, size_t length);
