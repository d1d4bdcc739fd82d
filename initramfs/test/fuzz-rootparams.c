/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a kernel command line: the parameters, the device of root=, and the parameters of a
 * module.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/modules.h"
#include "initramfs/rootparams.h"
#include "initramfs/rootspec.h"

static void check_wanted(const struct rootparams *params)
{
	struct fault fault = { "" };
	struct rootspec spec;
	int err = rootspec_parse(params->root, params->fstypes, &spec, &fault);

	if (err ? !*fault.sentence : *fault.sentence)
		abort();
	if (!err && (strlen(spec.text) >= ROOTSPEC_MAX || spec.by > ROOTSPEC_SOURCE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmdline cmdline;
	char *text = malloc(size + 1), parameters[64];
	struct rootparams params;
	int len;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	cmdline_parse(text, &cmdline);
	len = modules_parameters(&cmdline, "m", parameters, sizeof parameters);
	if (len < 0 ? *parameters : strlen(parameters) != (size_t)len)
		abort();
	rootparams_parse(&cmdline, &params);
	if (params.wait > WAIT_MAX || params.console_level > WAIT_MAX ||
		(cmdline.ostree && !params.root))
		abort();
	if (params.root)
		check_wanted(&params);
	free(text);
	return 0;
}
