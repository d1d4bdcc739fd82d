/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * show: a menu, what two loaders make of it and what is wrong with it, for a person or a program.
 *
 * The two forms say the same. That for a person has one line for each fact, and "?" for what a
 * terminal would not show; that for a program is one JSON object (see json.h).
 */
#pragma once

#include "bls/bootfs.h"
#include "bls/check/findings.h"
#include "bls/menu.h"
#include "bls/check/menufile.h"
#include "bls/text.h"

enum { SHOW_GRUB, SHOW_UBOOT, SHOW_LOADERS };

struct show {
	const char *root;    /* with "/" at its end */
	const char *entries; /* the directory */
	const char *prefix;
	struct menu menu;
	struct outcome outcomes[SHOW_LOADERS];
	struct bootfs bootfs;
	int bootfs_error; /* a negative errno: nothing is known about the file system */
	struct findings findings;
};

/* Adds the menu in words. */
void print_menu(struct text *text, const struct show *show);

/* Adds what is known of the file system, the findings and a summary in words. */
void print_findings(struct text *text, const struct show *show);

/* Adds everything as a JSON object; the findings only if they were looked for. */
void print_json(struct text *text, const struct show *show, bool with_findings);
