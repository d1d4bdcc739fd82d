/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/rootparams.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* False for anything but a decimal number of at most WAIT_MAX. */
static bool number(const char *text, unsigned *ret_number)
{
	unsigned value = 0;

	if (!text || !*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned)(*text - '0');
		if (value > WAIT_MAX)
			return false;
	}
	*ret_number = value;
	return true;
}

static void take_flag(const char *name, struct rootparams *params)
{
	if (!strcmp(name, "rw"))
		params->writable = true;
	else if (!strcmp(name, "ro"))
		params->writable = false;
	else if (!strcmp(name, "rootwait"))
		params->forever = true;
	else if (!strcmp(name, "gpt"))
		params->gpt = true;
	else if (!strcmp(name, "quiet"))
		params->console_level = 4;
	else if (!strcmp(name, "debug"))
		params->console_level = 10;
}

void rootparams_parse(const struct cmdline *cmdline, struct rootparams *ret_params)
{
	const char *root = NULL, *ostree_root = NULL;
	const struct {
		const char *name;
		const char **field;
	} words[] = {
		{ "root", &root },
		{ "ostree_root", &ostree_root },
		{ "rootfstype", &ret_params->fstypes },
		{ "rootflags", &ret_params->flags },
	};
	unsigned delay = 0;
	bool has_wait = false;

	*ret_params = (struct rootparams){ .wait = WAIT_DEFAULT, .console_level = CONSOLE_DEFAULT };
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct karg *karg = &cmdline->words[i];

		if (!karg->value) {
			take_flag(karg->name, ret_params);
			continue;
		}
		for (size_t j = 0; j < sizeof words / sizeof *words; j++)
			if (!strcmp(karg->name, words[j].name))
				*words[j].field = karg->value;
		if (!strcmp(karg->name, "rootwait")) {
			/* As the kernel does with what is not a number, or a very large one. */
			ret_params->forever = !number(karg->value, &ret_params->wait);
			has_wait = true;
		} else if (!strcmp(karg->name, "rootdelay")) {
			number(karg->value, &delay);
		} else if (!strcmp(karg->name, "loglevel")) {
			number(karg->value, &ret_params->console_level);
		}
	}
	if (!has_wait && delay > WAIT_DEFAULT)
		ret_params->wait = delay;
	/* As dracut and initramfs-tools spell it. */
	if (ret_params->fstypes && (!*ret_params->fstypes || !strcmp(ret_params->fstypes, "auto")))
		ret_params->fstypes = NULL;
	ret_params->root = ostree_root	     ? ostree_root
			   : root	     ? root
			   : cmdline->ostree ? "LABEL=otaroot"
					     : NULL;
}

bool rootparams_wants_deployment(const struct cmdline *cmdline, const char *ostree)
{
	return cmdline->ostree || (cmdline->slot && !access(ostree, F_OK));
}
