/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/args.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

enum { OPTION_HELP = 256, OPTION_VERSION, OPTION_ROOT, OPTION_ENTRIES, OPTION_PREFIX };

static const struct option options[] = {
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "entries", required_argument, NULL, OPTION_ENTRIES },
	{ "boot-prefix", required_argument, NULL, OPTION_PREFIX },
	{ 0 },
};

static enum args_result usage(const struct reporter *reporter, const char *what, const char *which)
{
	report(reporter, REPORT_ERROR, "%s%s; try --help", what, which);
	return ARGS_USAGE;
}

static enum args_result check(const struct reporter *reporter, const struct args *args)
{
	if (!args->out)
		return usage(reporter, "-o FILE is missing", "");
	if (!*args->out)
		return usage(reporter, "-o needs the name of a file", "");
	if (args->prefix[0] != '/' && strcmp(args->prefix, "auto") != 0 &&
		strcmp(args->prefix, "none") != 0)
		return usage(reporter, "--boot-prefix is auto, none or a path from / on, not ",
			args->prefix);
	if (args->root && !*args->root)
		return usage(reporter, "--root needs the name of a directory", "");
	return ARGS_RUN;
}

enum args_result args_parse(
	int argc, char *const argv[], const struct reporter *reporter, struct args *ret_args)
{
	int option, at;

	*ret_args = (struct args){ .prefix = "auto" };
	opterr = 0;
	/* Starts over after an earlier command line, for glibc and for musl. */
	optind = 0;
	/* The "+" keeps getopt from moving arguments, so that the one to blame stays where it is.
	 */
	for (;;) {
		at = optind ? optind : 1;
		option = getopt_long(argc, argv, "+o:", options, NULL);
		if (option == -1)
			break;
		switch (option) {
		case 'o':
			ret_args->out = optarg;
			break;
		case OPTION_ROOT:
			ret_args->root = optarg;
			break;
		case OPTION_ENTRIES:
			ret_args->entries = optarg;
			break;
		case OPTION_PREFIX:
			ret_args->prefix = optarg;
			break;
		case OPTION_HELP:
			return ARGS_HELP;
		case OPTION_VERSION:
			return ARGS_VERSION;
		default:
			return usage(reporter, "not understood: ", argv[at]);
		}
	}
	if (optind < argc)
		return usage(reporter, "not understood: ", argv[optind]);
	return check(reporter, ret_args);
}
