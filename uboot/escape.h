/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * escape: values as U-Boot's "env import -t" reads them back.
 *
 * The importer (lib/hashtable.c, himport_r) reads a record up to the end of its line, and a name up
 * to "=". It takes the value byte by byte, but removes a backslash and keeps the byte after it. So
 * a backslash before each backslash is enough, for any bytes but NUL and LF.
 */
#pragma once

#include <stddef.h>

#include "bls/text.h"

/* Adds "NAME=VALUE" and a line end. A NULL value adds "NAME=", which deletes the variable. */
void escape_add(struct text *text, const char *name, const char *value);

/* Many board scripts have "setenv NAME ${NAME} more". Their shell (hush) then parses the value
 * again: it interprets quotes, backslashes, runs of blanks and "#", and fails with more than 16
 * arguments. Returns the reason why a value would not survive that, or NULL. */
const char *escape_fragile(const char *value);
