/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* grubconf: the settings of a GRUB menu, see rootstock-grub.conf(5). */
#pragma once

#include "bls/settings.h"

#define GRUBCONF_FILE "grub.conf"

enum {
	GRUBCONF_TIMEOUT,
	GRUBCONF_DEFAULT,
	GRUBCONF_SERIAL,
	GRUBCONF_TERMINAL,
	GRUBCONF_SEARCH,
	GRUBCONF_ALLOW_LOSSY,
	GRUBCONF_COUNT,
};

enum grubconf_search {
	GRUBCONF_SEARCH_AUTO, /* if the menu is not on the file system of /boot */
	GRUBCONF_SEARCH_ALWAYS,
	GRUBCONF_SEARCH_NEVER,
	GRUBCONF_SEARCH_UUID, /* the word is the UUID */
	GRUBCONF_SEARCH_WRONG,
};

/* The settings, by number. The last one has no name. */
extern struct setting grubconf_settings[GRUBCONF_COUNT + 1];

/* Returns 0, or -1 with the wrong setting reported. */
int grubconf_check(const struct reporter *reporter);

/* What the value of a setting or option means; NULL: it is not set. */
enum grubconf_search grubconf_search(const char *word);

bool grubconf_allows_lossy(void);
