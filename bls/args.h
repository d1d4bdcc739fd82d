/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * args: a command line, parsed by a table.
 *
 * Nothing is opened here. An argument that the table does not have is a usage error that names it.
 */
#pragma once

#include "bls/report.h"

/* Either value or flag is set. A name of one letter is written "-o", a longer one "--root". */
struct args_option {
	const char *name;
	const char **value; /* set to the option's value; the last one counts */
	bool *flag;
};

enum args_result { ARGS_RUN, ARGS_HELP, ARGS_VERSION, ARGS_USAGE };

enum { ARGS_OPTIONS_MAX = 16 };

/* The table ends with an option without a name; --help and --version are not in it. ARGS_USAGE is
 * returned after the error was reported. */
enum args_result args_parse(int argc, char *const argv[], const struct args_option options[],
	const struct reporter *reporter);

/* Reports a usage error; which is the argument, or "". */
enum args_result args_usage(const struct reporter *reporter, const char *what, const char *which);

/* The same for an unknown argument, with the nearest of the known words, which end with NULL. */
enum args_result args_unknown(const struct reporter *reporter, const char *what, const char *which,
	const char *const known[]);
