/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ubootconf: the settings of a uEnv.txt, see rootstock-uboot.conf(5). */
#pragma once

#include "bls/settings.h"

#define UBOOTCONF_FILE "uboot.conf"

enum { UBOOTCONF_COMPAT, UBOOTCONF_KEEP, UBOOTCONF_COUNT };

/* The settings, by number. The last one has no name. */
extern struct setting ubootconf_settings[UBOOTCONF_COUNT + 1];

/* Returns 0, or -1 with the wrong setting reported. */
int ubootconf_check(const struct reporter *reporter);
