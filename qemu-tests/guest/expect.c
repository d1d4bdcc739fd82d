/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-tests/guest/expect.h"

#include "qemu-tests/guest/report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool take(struct expect *expect, const char *key, const char *value)
{
	const struct {
		const char *key;
		struct words *words;
	} keys[] = {
		{ "stateroot", &expect->stateroot },
		{ "deployment", &expect->deployment },
		{ "tree", &expect->tree },
		{ "root", &expect->root },
		{ "inside", &expect->inside },
		{ "usr", &expect->usr },
		{ "sysroot", &expect->sysroot },
		{ "var", &expect->var },
		{ "boot", &expect->boot },
		{ "model", &expect->model },
		{ "disk", &expect->disk },
		{ "arg", &expect->arg },
		{ "env", &expect->env },
		{ "environment", &expect->environment },
		{ "propagation", &expect->propagation },
		{ "memory", &expect->memory },
		{ "switches", &expect->switches },
		{ "world", &expect->world },
		{ "top", &expect->top },
		{ "then", &expect->then },
	};

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct words *words = keys[i].words;

		if (strcmp(keys[i].key, key) != 0)
			continue;
		if (words->count == EXPECT_WORDS)
			return false;
		snprintf(words->at[words->count++], EXPECT_TEXT, "%s", value);
		return true;
	}
	return false;
}

const char *expect_one(const struct words *words)
{
	return words->count == 1 ? words->at[0] : "";
}

bool expect_is(const struct words *words, const char *value)
{
	return strcmp(expect_one(words), value) == 0;
}

bool expect_read(struct expect *ret)
{
	FILE *conf = fopen("/etc/probe.conf", "re");
	char line[512];
	bool good = true;

	memset(ret, 0, sizeof *ret);
	if (!conf) {
		report_say("/etc/probe.conf: %s\n", strerror(errno));
		return false;
	}
	while (fgets(line, sizeof line, conf)) {
		char *value = strchr(line, ' ');

		line[strcspn(line, "\n")] = '\0';
		if (!value) {
			good = false;
			continue;
		}
		*value++ = '\0';
		if (!take(ret, line, value)) {
			report_say("/etc/probe.conf: '%s' was not expected\n", line);
			good = false;
		}
	}
	fclose(conf);
	return good && ret->deployment.count == 1 && ret->stateroot.count == 1;
}
