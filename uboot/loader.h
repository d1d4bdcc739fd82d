/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader: U-Boot, as bls/loader.h describes a boot loader. */
#pragma once

#include "bls/loader.h"

extern const struct loader uboot_loader;

/* What the generator adds to the settings; rootstock-bls leaves it empty. */
extern struct uboot_extras {
	const char *compat; /* overrides the setting */
	struct text lines;  /* the integrator's */
} uboot_extras;

/* True if the menu has only what libostree's own writer writes. */
bool uboot_compat(void);
