/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * title: the lines of a menu, by which a person tells the entries apart.
 *
 * An entry is shown with its title, or else with the name of its file. Those that would look alike
 * are shown with their version too, as the Boot Loader Specification asks (UAPI.1, title), and
 * where there is none, or they still look alike, with the name of the file, which no two have.
 * Nobody boots a title, so nothing in it is refused; but control bytes would move the cursor of a
 * terminal and become blanks.
 */
#pragma once

#include "bls/verdict.h"

/*
 * Makes a line for each item that is in the menu, and NULL for the others.
 * ret_titles has room for menu->count of them. Returns 0 or -ENOMEM; title_free is due in any case.
 */
int title_make(const struct menu *menu, const struct verdict verdicts[], char *ret_titles[]);

void title_free(char *titles[], size_t count);
