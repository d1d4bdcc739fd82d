/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/args.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "prepare-root/closest.h"

enum { FIRST_LONG = 256, OPTION_HELP = FIRST_LONG + ARGS_OPTIONS_MAX, OPTION_VERSION };

/* What getopt_long() takes: letters, and long names with their index in the table. */
struct table {
	char letters[2 * ARGS_OPTIONS_MAX + 3];
	struct option longs[ARGS_OPTIONS_MAX + 3];
};

static void make_table(const struct args_option options[], struct table *ret_table)
{
	char *letter = ret_table->letters;
	struct option *slot = ret_table->longs;

	/* With "+" getopt does not reorder arguments, so the wrong one can be named. */
	*letter++ = '+';
	*letter++ = ':';
	for (int i = 0; options[i].name; i++) {
		if (options[i].name[1]) {
			*slot++ = (struct option){ options[i].name,
				options[i].value ? required_argument : no_argument, NULL,
				FIRST_LONG + i };
			continue;
		}
		*letter++ = options[i].name[0];
		if (options[i].value)
			*letter++ = ':';
	}
	*letter = '\0';
	*slot++ = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	*slot++ = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
	*slot = (struct option){ 0 };
}

enum args_result args_usage(const struct reporter *reporter, const char *what, const char *which)
{
	report(reporter, REPORT_ERROR, "%s%s; try --help", what, which);
	return ARGS_USAGE;
}

enum args_result args_unknown(const struct reporter *reporter, const char *what, const char *which,
	const char *const known[])
{
	size_t dashes = strspn(which, "-");
	char *word = strndup(which + dashes, strcspn(which + dashes, "="));
	const char *meant = word ? closest(word, known) : NULL;

	free(word);
	if (!meant)
		return args_usage(reporter, what, which);
	report(reporter, REPORT_ERROR, "%s%s (did you mean %s%s?); try --help", what, which,
		dashes ? "--" : "", meant);
	return ARGS_USAGE;
}

static enum args_result unknown_option(
	const struct reporter *reporter, const struct table *table, const char *which)
{
	const char *known[ARGS_OPTIONS_MAX + 3];
	size_t count = 0;

	while ((known[count] = table->longs[count].name))
		count++;
	return args_unknown(reporter, "not understood: ", which, known);
}

static const struct args_option *find_option(const struct args_option options[], int found)
{
	if (found >= FIRST_LONG)
		return &options[found - FIRST_LONG];
	for (; options->name; options++)
		if (options->name[0] == found && !options->name[1])
			return options;
	return NULL;
}

enum args_result args_parse(int argc, char *const argv[], const struct args_option options[],
	const struct reporter *reporter)
{
	struct table table;
	int found, at;

	make_table(options, &table);
	opterr = 0;
	/* Resets getopt, which an earlier call may have used. */
	optind = 0;
	for (;;) {
		const struct args_option *option;

		at = optind ? optind : 1;
		found = getopt_long(argc, argv, table.letters, table.longs, NULL);
		if (found == -1)
			break;
		if (found == OPTION_HELP)
			return ARGS_HELP;
		if (found == OPTION_VERSION)
			return ARGS_VERSION;
		if (found == ':')
			return args_usage(reporter, "option needs a value: ", argv[at]);
		option = found == '?' ? NULL : find_option(options, found);
		if (!option)
			return unknown_option(reporter, &table, argv[at]);
		if (option->value)
			*option->value = optarg;
		else
			*option->flag = true;
	}
	if (optind < argc)
		return args_usage(reporter, "not understood: ", argv[optind]);
	return ARGS_RUN;
}
