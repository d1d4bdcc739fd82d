/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/ubootconf.h"

#include <string.h>

#include "uboot/uenv.h"

struct setting ubootconf_settings[UBOOTCONF_COUNT + 1] = {
	[UBOOTCONF_COMPAT] = { .name = "compat" },
	[UBOOTCONF_KEEP] = { .name = "keep" },
};

int ubootconf_check(const struct reporter *reporter)
{
	const char *compat = ubootconf_settings[UBOOTCONF_COMPAT].value;
	const char *word = ubootconf_settings[UBOOTCONF_KEEP].value;

	if (compat && strcmp(compat, "ostree") != 0)
		return settings_refuse(
			&ubootconf_settings[UBOOTCONF_COMPAT], "compat is ostree", reporter);
	while (word && *word) {
		size_t length = strcspn(word, " \t");

		if (!uenv_has_field(word, length))
			return settings_refuse(&ubootconf_settings[UBOOTCONF_KEEP],
				"keep is a list of fields, such as fdt_file and fdtdir", reporter);
		word += length;
		word += strspn(word, " \t");
	}
	return 0;
}
