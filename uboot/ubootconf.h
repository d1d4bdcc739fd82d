/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ubootconf: the settings of a uEnv.txt, as rootstock-uboot.conf(5) has them. */
#pragma once

#include "bls/settings.h"

#define UBOOTCONF_FILE "uboot.conf"

enum { UBOOTCONF_COMPAT, UBOOTCONF_KEEP, UBOOTCONF_COUNT };

/* The settings by their place, without values; one without a name is behind them. */
extern struct setting ubootconf_settings[UBOOTCONF_COUNT + 1];

/* Returns 0 or, with the setting reported that cannot mean anything, -1. */
int ubootconf_check(const struct reporter *reporter);
