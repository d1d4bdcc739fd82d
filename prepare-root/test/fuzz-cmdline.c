/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a kernel command line: no access outside them, and every word is inside them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "prepare-root/cmdline.h"
#include "prepare-root/onfail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmdline cmdline;
	char *text = malloc(size + 1), *rest = text;
	struct karg karg;
	struct onfail onfail;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	while ((rest = cmdline_next(rest, &karg)))
		if (karg.name < text || rest > text + size ||
			(karg.value && karg.value <= karg.name))
			abort();
	memcpy(text, data, size);
	text[size] = 0;
	cmdline_cut(text);
	if (strlen(text) > size)
		abort();
	memcpy(text, data, size);
	cmdline_parse(text, &cmdline);
	if (cmdline.onfail)
		onfail_parse(cmdline.onfail, &onfail);
	free(text);
	return 0;
}
