/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* words: a kernel command line for tests, given as a string. */
#pragma once

#include <assert.h>
#include <string.h>

#include "initramfs/rootparams.h"

/* Splits a copy of the text; the result is valid until the next call. */
static inline const struct cmdline *split_words(const char *text)
{
	static char copy[CMDLINE_MAX + 1];
	static struct cmdline cmdline;

	assert(strlen(text) < sizeof copy);
	strcpy(copy, text);
	cmdline_parse(copy, &cmdline);
	return &cmdline;
}

static inline struct rootparams parse_words(const char *text)
{
	struct rootparams params;

	rootparams_parse(split_words(text), &params);
	return params;
}
