/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * title: the lines of a menu, by which a person tells the entries apart.
 *
 * An entry's line is its title or, without one, the name of its file. If several are the same,
 * their version is added, as the Boot Loader Specification says (UAPI.1, title). If there is none,
 * or they are still the same, the name of the file is added, which is unique. A title is not
 * booted, so any bytes are allowed; control characters become blanks, because they would move the
 * terminal's cursor.
 */
#pragma once

#include "bls/verdict.h"

/* Makes a title for each item in the menu, and NULL for the others. ret_titles has room for
 * menu->count. Returns 0 or -ENOMEM; title_free() must be called in any case. */
int title_make(const struct menu *menu, const struct verdict verdicts[], char *ret_titles[]);

void title_free(char *titles[], size_t count);
