/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args: the command line that the generators share.
 *
 * Nothing is opened here. A combination that cannot mean anything is a usage error now rather than
 * a surprise later.
 */
#pragma once

#include "bls/report.h"

struct args {
	const char *out;     /* "-" is standard output */
	const char *root;    /* NULL: what stands before /boot/ in out */
	const char *entries; /* NULL: found by the rules of place.h */
	const char *prefix;  /* "auto", "none" or a path that begins with "/" */
};

enum args_result { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_USAGE };

/* Reads the command line; ARGS_USAGE is reported before it is returned. */
enum args_result args_parse(
	int argc, char *const argv[], const struct reporter *reporter, struct args *ret_args);
