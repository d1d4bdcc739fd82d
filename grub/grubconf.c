/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/grubconf.h"

#include <string.h>

struct setting grubconf_settings[GRUBCONF_COUNT + 1] = {
	[GRUBCONF_TIMEOUT] = { .name = "timeout" },
	[GRUBCONF_DEFAULT] = { .name = "default" },
	[GRUBCONF_SERIAL] = { .name = "serial" },
	[GRUBCONF_TERMINAL] = { .name = "terminal" },
	[GRUBCONF_SEARCH] = { .name = "search" },
	[GRUBCONF_ALLOW_LOSSY] = { .name = "allow-lossy" },
};

enum grubconf_search grubconf_search(const char *word)
{
	if (!word || !strcmp(word, "auto"))
		return GRUBCONF_SEARCH_AUTO;
	if (!strcmp(word, "always"))
		return GRUBCONF_SEARCH_ALWAYS;
	if (!strcmp(word, "never"))
		return GRUBCONF_SEARCH_NEVER;
	return *word && !word[strspn(word, "0123456789abcdefABCDEF-")] ? GRUBCONF_SEARCH_UUID
								       : GRUBCONF_SEARCH_WRONG;
}

bool grubconf_allows_lossy(void)
{
	const char *value = grubconf_settings[GRUBCONF_ALLOW_LOSSY].value;

	return value && !strcmp(value, "yes");
}

int grubconf_check(const struct reporter *reporter)
{
	const char *timeout = grubconf_settings[GRUBCONF_TIMEOUT].value;
	const char *chosen = grubconf_settings[GRUBCONF_DEFAULT].value;
	const char *lossy = grubconf_settings[GRUBCONF_ALLOW_LOSSY].value;

	if (timeout && strcmp(timeout, "-1") != 0 &&
		(!*timeout || strlen(timeout) > 5 || timeout[strspn(timeout, "0123456789")]))
		return settings_refuse(&grubconf_settings[GRUBCONF_TIMEOUT],
			"timeout is a number of seconds, or -1 to wait forever", reporter);
	if (chosen && !strcmp(chosen, "saved"))
		return settings_refuse(&grubconf_settings[GRUBCONF_DEFAULT],
			"default is the number, name or title of an entry (with one that GRUB has saved, updates would not start)",
			reporter);
	if (lossy && strcmp(lossy, "yes") != 0 && strcmp(lossy, "no") != 0)
		return settings_refuse(&grubconf_settings[GRUBCONF_ALLOW_LOSSY],
			"allow-lossy is yes or no", reporter);
	if (grubconf_search(grubconf_settings[GRUBCONF_SEARCH].value) == GRUBCONF_SEARCH_WRONG)
		return settings_refuse(&grubconf_settings[GRUBCONF_SEARCH],
			"search is auto, always, never or a UUID", reporter);
	return 0;
}
