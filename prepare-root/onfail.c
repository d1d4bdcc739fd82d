/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/onfail.h"

#include <errno.h>
#include <string.h>

#include "prepare-root/log.h"

enum { SECONDS_MAX = 86400 };

int onfail_parse(const char *value, struct onfail *ret_onfail)
{
	static const struct {
		const char *word;
		enum onfail_action action;
	} actions[] = {
		{ "panic", ONFAIL_PANIC },
		{ "reboot", ONFAIL_REBOOT },
		{ "halt", ONFAIL_HALT },
		{ "shell", ONFAIL_SHELL },
	};
	unsigned seconds = 0;

	*ret_onfail = (struct onfail){ .action = ONFAIL_PANIC };
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
		if (!strcmp(value, actions[i].word)) {
			ret_onfail->action = actions[i].action;
			return 0;
		}
	if (strncmp(value, "reboot:", 7) != 0 || !value[7])
		return -EINVAL;
	for (const char *digit = value + 7; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		seconds = seconds * 10 + (unsigned)(*digit - '0');
		if (seconds > SECONDS_MAX)
			return -EINVAL;
	}
	*ret_onfail = (struct onfail){ .action = ONFAIL_REBOOT, .seconds = seconds };
	return 0;
}

struct onfail onfail_choose(const char *value, bool has_shell)
{
	struct onfail ret = { .action = ONFAIL_PANIC };

	if (value && onfail_parse(value, &ret)) {
		log_line(LOG_WARNING,
			"rootstock.onfail= is not panic, reboot, reboot:SECONDS, halt or shell: using panic");
	} else if (ret.action == ONFAIL_SHELL && !has_shell) {
		ret.action = ONFAIL_PANIC;
		log_line(LOG_WARNING,
			"rootstock.onfail=shell, but there is no shell, which rootstock-mkinitramfs --shell puts into an image: using panic");
	}
	return ret;
}
