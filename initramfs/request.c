/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/request.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* False for what is no decimal number of at most WAIT_MAX. */
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

static void take_flag(const char *name, struct request *request)
{
	if (!strcmp(name, "rw"))
		request->writable = true;
	else if (!strcmp(name, "ro"))
		request->writable = false;
	else if (!strcmp(name, "rootwait"))
		request->forever = true;
	else if (!strcmp(name, "gpt"))
		request->gpt = true;
	else if (!strcmp(name, "quiet"))
		request->console_level = 4;
	else if (!strcmp(name, "debug"))
		request->console_level = 10;
}

void request_parse(const struct cmdline *cmdline, struct request *ret_request)
{
	const char *root = NULL, *ostree_root = NULL;
	const struct {
		const char *name;
		const char **field;
	} words[] = {
		{ "root", &root },
		{ "ostree_root", &ostree_root },
		{ "rootfstype", &ret_request->fstypes },
		{ "rootflags", &ret_request->flags },
	};
	unsigned delay = 0;
	bool has_wait = false;

	*ret_request = (struct request){ .wait = WAIT_DEFAULT, .console_level = CONSOLE_DEFAULT };
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct karg *karg = &cmdline->words[i];

		if (!karg->value) {
			take_flag(karg->name, ret_request);
			continue;
		}
		for (size_t j = 0; j < sizeof words / sizeof *words; j++)
			if (!strcmp(karg->name, words[j].name))
				*words[j].field = karg->value;
		if (!strcmp(karg->name, "rootwait")) {
			/* As the kernel does with what is not a number, or a very large one. */
			ret_request->forever = !number(karg->value, &ret_request->wait);
			has_wait = true;
		} else if (!strcmp(karg->name, "rootdelay")) {
			number(karg->value, &delay);
		} else if (!strcmp(karg->name, "loglevel")) {
			number(karg->value, &ret_request->console_level);
		}
	}
	if (!has_wait && delay > WAIT_DEFAULT)
		ret_request->wait = delay;
	/* As dracut and initramfs-tools spell it. */
	if (ret_request->fstypes &&
		(!*ret_request->fstypes || !strcmp(ret_request->fstypes, "auto")))
		ret_request->fstypes = NULL;
	ret_request->root = ostree_root	      ? ostree_root
			    : root	      ? root
			    : cmdline->ostree ? "LABEL=otaroot"
					      : NULL;
}

bool request_wants_deployment(const struct cmdline *cmdline, const char *ostree)
{
	return cmdline->ostree || (cmdline->slot && !access(ostree, F_OK));
}
