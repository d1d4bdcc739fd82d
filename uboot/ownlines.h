/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ownlines: an integrator's own lines for uEnv.txt.
 *
 * They are in the language of "env import -t" and are copied as they are, except for records that
 * would set or delete a variable of the menu, or would end the import (those without a name). Such
 * a record is left out with a warning, so that the menu alone decides what is booted.
 */
#pragma once

#include "bls/report.h"
#include "bls/text.h"

/* Adds the lines of a file; name is for messages. Returns 0, or -1 with the reason reported if
 * there is a NUL byte: U-Boot would misread what follows it. */
int ownlines_add(struct text *text, const struct text *lines, const char *name,
	const struct reporter *reporter);
