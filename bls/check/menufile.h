/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menufile: the menu that a loader's generator would make now, and the one that the loader reads.
 *
 * The loader's own render function makes the first one, so that nothing is said here that a
 * generator would not do.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/loader.h"

struct menufile {
	const struct loader *loader;
	const struct sysroot *sysroot;
	const struct menu *menu;
	char *path;  /* of the file, below ROOT */
	bool wanted; /* if not, only path and loader count */
	struct text made;
	struct verdict *verdicts;    /* one for each item of the menu */
	struct loader_label *labels; /* likewise */
};

/*
 * Makes the menu with the settings of the default entry's deployment, and adds a finding if they
 * cannot be used. Returns 0 or -ENOMEM; menufile_free is due in any case.
 */
int menufile_make(struct menufile *file, struct findings *findings);

/*
 * True if the sysroot has a menu in this file, or something that cannot be read. What one of the
 * loaders writes in place of another one's menu does not count.
 */
bool menufile_exists(
	const struct menufile *file, const struct loader *const loaders[], size_t count);

/*
 * Adds a finding for each item that the render function has refused or warned of, for a menu
 * without any, and for two items with one id. What was wrong with an item before is not repeated.
 */
void menufile_check_entries(const struct menufile *file, struct findings *findings);

/*
 * Compares the file with what would be made now: an error for one that was not written to its end,
 * a warning for one that says something else about the entries, as after they were edited. A file
 * that does not begin with the generator's first line, which is a comment, is not the generator's.
 * A missing file is found only if it is needed.
 */
void menufile_check(const struct menufile *file, bool needed, struct findings *findings);

void menufile_free(struct menufile *file);
