/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/request.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "prepare-root/cmdline.h"

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

void request_parse(char *text, struct request *ret_request)
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
		{ "rootstock.onfail", &ret_request->onfail },
	};
	unsigned delay = 0;
	bool wait_said = false;
	struct karg karg;

	*ret_request = (struct request){ .wait = WAIT_DEFAULT, .console_level = CONSOLE_DEFAULT };
	while ((text = cmdline_next(text, &karg))) {
		if (!karg.value) {
			take_flag(karg.name, ret_request);
			continue;
		}
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (!strcmp(karg.name, words[i].name))
				*words[i].field = karg.value;
		if (!strcmp(karg.name, "ostree")) {
			ret_request->ostree = true;
		} else if (!strcmp(karg.name, "androidboot.slot_suffix")) {
			ret_request->slot = true;
		} else if (!strcmp(karg.name, "rootwait")) {
			/* As the kernel takes what is no number, or a very large one. */
			ret_request->forever = !number(karg.value, &ret_request->wait);
			wait_said = true;
		}
		if (!strcmp(karg.name, "rootdelay"))
			number(karg.value, &delay);
		else if (!strcmp(karg.name, "loglevel"))
			number(karg.value, &ret_request->console_level);
	}
	if (!wait_said && delay > WAIT_DEFAULT)
		ret_request->wait = delay;
	/* As dracut and initramfs-tools spell it. */
	if (ret_request->fstypes &&
		(!*ret_request->fstypes || !strcmp(ret_request->fstypes, "auto")))
		ret_request->fstypes = NULL;
	ret_request->root = ostree_root		  ? ostree_root
			    : root		  ? root
			    : ret_request->ostree ? "LABEL=otaroot"
						  : NULL;
}

bool request_wants_deployment(const struct request *request, const char *ostree)
{
	return request->ostree || (request->slot && !access(ostree, F_OK));
}
