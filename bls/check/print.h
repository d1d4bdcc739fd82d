/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * print: a menu, what loaders make of it and what is wrong with it, for a person or a program.
 *
 * Both forms have the same content. For a person there is a line for each fact, with "?" for what a
 * terminal would not show; for a program there is one JSON object (json.h).
 */
#pragma once

#include "bls/bootfs.h"
#include "bls/check/findings.h"
#include "bls/check/menufile.h"
#include "bls/check/way.h"

/* What there is to print. */
struct result {
	struct sysroot sysroot;
	struct menu menu;
	struct menufile *files; /* one for each loader */
	size_t file_count;
	struct bootfs bootfs;
	int bootfs_error; /* a negative errno if nothing is known about the file system */
	struct findings findings;
	struct way *ways; /* one for each item of the menu, NULL if they are not wanted */
};

/* Adds the menu in words. */
void print_menu(struct text *text, const struct result *result);

/* Adds the file system, whether each entry boots, the findings grouped by what to do, and a
 * summary, in words. */
void print_findings(struct text *text, const struct result *result);

/* Adds an entry's way from the loader to init, and why it does not get there. */
void print_way(struct text *text, const struct result *result, size_t i);

/* Adds everything as a JSON object, the findings if with_findings is true. */
void print_json(struct text *text, const struct result *result, bool with_findings);
