/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * escape: values as U-Boot's "env import -t" reads them back.
 *
 * The importer (lib/hashtable.c, himport_r) takes a record up to the end of its line, a name up to
 * "=", and of what follows every byte as it is, except that a backslash goes and saves the byte
 * behind it. So a backslash before each backslash is all that a value needs; any bytes but NUL and
 * LF arrive as they are.
 */
#pragma once

#include <stddef.h>

#include "bls/text.h"

/* Adds "NAME=VALUE" and a line end. A NULL value adds "NAME=", which deletes the variable. */
void escape_add(struct text *text, const char *name, const char *value);

/*
 * What a script does to a value by "setenv NAME ${NAME} more", the form of many board scripts: the
 * shell (hush) reads the value a second time, and takes quotes, backslashes, runs of blanks and "#"
 * for its own, and gives up above 16 arguments in all. Returns the reason, or NULL for a value that
 * survives.
 */
const char *escape_fragile(const char *value);
