/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * outcome: what a loader's generator makes of a menu, and what it has made of it before.
 *
 * The generator's own renderer fills in an outcome; here it is judged, so that all loaders are
 * judged alike.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/menu.h"
#include "bls/text.h"

struct outcome_loader {
	const char *name;      /* for the findings: "GRUB" */
	const char *generator; /* the program's path */
	const char *foreign;   /* what is wrong with somebody else's menu; NULL: nothing */

	/* True for a line of the loader's menu that follows from the entries, not from settings. */
	bool (*from_entries)(const char *line, size_t length);
};

struct outcome {
	bool wanted;			  /* nothing else counts if not */
	struct menu menu;		  /* with the errors and warnings of the renderer */
	struct text made;		  /* the loader's menu; empty if nothing is in it */
	size_t numbers[MENU_ENTRIES_MAX]; /* of each item in it, from 1; 0: it is left out */
	char *titles[MENU_ENTRIES_MAX];	  /* as GRUB shows it; NULL where there is none */
	char *ids[MENU_ENTRIES_MAX];	  /* for GRUB's default; likewise */
};

/*
 * Adds a finding for each item that the renderer leaves out or warns about, for a menu without any,
 * and for two items with one id. plain is the menu as it was read: what is wrong there has been
 * said. entries is the directory.
 */
void menufile_check_entries(const struct outcome *outcome, const struct outcome_loader *loader,
	const struct menu *plain, const char *entries, struct findings *findings);

/*
 * Compares the file that the loader reads with what would be made now: an error for one that was
 * not written to its end, a warning for one that says something else about the entries, as after
 * they were edited. A file that does not begin with the generator's first line, which is a comment,
 * is somebody else's.
 */
void menufile_check(const struct outcome *outcome, const struct outcome_loader *loader,
	const char *file, const struct text *bytes, struct findings *findings);

void outcome_free(struct outcome *outcome);
