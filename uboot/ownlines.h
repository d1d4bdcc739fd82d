/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * append: an integrator's own lines for uEnv.txt.
 *
 * They are in the language of "env import -t" already and go into the file as they are, except for
 * what would set or delete a variable that the menu sets, or would end the import (a record without
 * a name): that is left out with a warning. So the last word on what is booted is the menu's.
 */
#pragma once

#include "bls/report.h"
#include "bls/text.h"

/*
 * Adds the lines of a file, which is called name in messages, to text. Returns 0, or, with the
 * reason reported, -1 for a NUL byte: U-Boot would take what follows it for something else.
 */
int ownlines_add(struct text *text, const struct text *lines, const char *name,
	const struct reporter *reporter);
