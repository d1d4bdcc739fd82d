/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a kernel command line: what is asked, which device that is, and what a module gets
 * of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/modules.h"
#include "initramfs/request.h"
#include "initramfs/wanted.h"

static void check_wanted(const struct request *request)
{
	struct fault fault = { "" };
	struct wanted wanted;
	int err = wanted_parse(request->root, request->fstypes, &wanted, &fault);

	if (err ? !*fault.sentence : *fault.sentence)
		abort();
	if (!err && (strlen(wanted.text) >= WANTED_MAX || wanted.by > WANTED_SOURCE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmdline cmdline;
	char *text = malloc(size + 1), parameters[64];
	struct request request;
	int len;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	cmdline_parse(text, &cmdline);
	len = modules_parameters(&cmdline, "m", parameters, sizeof parameters);
	if (len < 0 ? *parameters : strlen(parameters) != (size_t)len)
		abort();
	request_parse(&cmdline, &request);
	if (request.wait > WAIT_MAX || request.console_level > WAIT_MAX ||
		(cmdline.ostree && !request.root))
		abort();
	if (request.root)
		check_wanted(&request);
	free(text);
	return 0;
}
