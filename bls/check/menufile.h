/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menufile: the menu that a loader's generator would make now, and the file that the loader reads.
 *
 * The loader's own render function makes the menu, so that the findings are what a generator would
 * do.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/loader.h"

struct menufile {
	const struct loader *loader;
	const struct sysroot *sysroot;
	const struct menu *menu;
	char *path;  /* of the file, below ROOT */
	bool exists; /* what menufile_exists() returned */
	bool wanted; /* if false, the rest is not set */
	struct text made;
	struct verdict *verdicts;    /* one for each item of the menu */
	struct loader_label *labels; /* likewise */
};

/* Makes the menu with the settings of the default entry's deployment. Adds a finding if the
 * settings are wrong. Returns 0 or -ENOMEM; menufile_free() must be called in any case. */
int menufile_make(struct menufile *file, struct findings *findings);

/* True if the sysroot has this file, readable or not. A file that another loader's generator writes
 * in place of a menu does not count. */
bool menufile_exists(
	const struct menufile *file, const struct loader *const loaders[], size_t count);

/* Adds a finding for each item that the render function refused or warned of, for a menu without
 * entries, and for two items with the same id. An item's own error is not repeated. */
void menufile_check_entries(const struct menufile *file, struct findings *findings);

/* Compares the file with what would be made now: an error if it is missing or not complete, a
 * warning if it does not match the entries, for example after they were edited. The generator's
 * files are known by their first line, a comment. Other files are not compared; they must have
 * something that can start a deployment. */
void menufile_check(const struct menufile *file, struct findings *findings);

void menufile_free(struct menufile *file);
