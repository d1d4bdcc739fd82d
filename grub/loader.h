/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* loader: GRUB, as bls/loader.h describes a boot loader. */
#pragma once

#include "bls/loader.h"

extern const struct loader grub_loader;

/* What the generator adds to the settings; rootstock-bls leaves it empty. */
extern struct grub_extras {
	bool allow_lossy; /* a word that GRUB changes is a warning, not an error */
	char *uuid;	  /* of the file system that GRUB must search for, or NULL */
} grub_extras;
