/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/ubootconf.h"

#include <string.h>

#include "bls/words.h"
#include "uboot/uenv.h"

struct setting ubootconf_settings[UBOOTCONF_COUNT + 1] = {
	[UBOOTCONF_COMPAT] = { .name = "compat" },
	[UBOOTCONF_KEEP] = { .name = "keep" },
};

int ubootconf_check(const struct reporter *reporter)
{
	const char *compat = ubootconf_settings[UBOOTCONF_COMPAT].value;
	const char *keep = ubootconf_settings[UBOOTCONF_KEEP].value, *word;
	size_t length;

	if (compat && strcmp(compat, "ostree") != 0)
		return settings_refuse(
			&ubootconf_settings[UBOOTCONF_COMPAT], "compat is ostree", reporter);
	while (keep && (word = words_next(&keep, &length)))
		if (!uenv_has_field(word, length))
			return settings_refuse(&ubootconf_settings[UBOOTCONF_KEEP],
				"keep is a list of fields, such as fdt_file and fdtdir", reporter);
	return 0;
}
