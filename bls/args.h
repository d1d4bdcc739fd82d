/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args: a command line, read by a table.
 *
 * Nothing is opened here, and nothing is silently taken for something else: what the table does not
 * know is a usage error that names it.
 */
#pragma once

#include "bls/report.h"

/* Either value or flag is set. A name of one letter is written "-o", a longer one "--root". */
struct args_option {
	const char *name;
	const char **value; /* takes what follows the option; the last one counts */
	bool *flag;
};

enum args_result { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_USAGE };

enum { ARGS_OPTIONS_MAX = 16 };

/*
 * Reads the command line by a table that ends with an option without a name; --help and --version
 * need not be in it. ARGS_USAGE is reported before it is returned.
 */
enum args_result args_parse(int argc, char *const argv[], const struct args_option options[],
	const struct reporter *reporter);

/* Reports a usage error about an argument, or about none when which is "". */
enum args_result args_usage(const struct reporter *reporter, const char *what, const char *which);
