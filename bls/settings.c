/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/settings.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/file.h"
#include "bls/utf8.h"

enum { FILE_SIZE_MAX = 65536 };

static const char blanks[] = " \t";

/* Removes blanks at both ends. */
static char *trim(char *text)
{
	size_t length;

	text += strspn(text, blanks);
	length = strlen(text);
	while (length && strchr(blanks, text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

static int set(struct setting *setting, const char *value, const char *path, unsigned number)
{
	free(setting->value);
	free(setting->file);
	setting->value = strdup(value);
	setting->file = strdup(path);
	setting->line = number;
	return setting->value && setting->file ? 0 : -ENOMEM;
}

static int take_line(char *line, const char *path, unsigned number, struct setting *settings,
	const struct reporter *reporter)
{
	char *equals, *name = trim(line);

	if (!*name || *name == '#')
		return 0;
	equals = strchr(name, '=');
	if (!equals || equals == name) {
		report(reporter, REPORT_ERROR,
			"%s:%u: this line is neither NAME=VALUE nor a comment", path, number);
		return -EINVAL;
	}
	*equals = '\0';
	name = trim(name);
	for (; settings->name; settings++)
		if (!strcmp(settings->name, name))
			return set(settings, trim(equals + 1), path, number);
	report(reporter, REPORT_WARNING, "%s:%u: there is no setting called %s", path, number,
		name);
	return 0;
}

static int take_lines(struct text *text, const char *path, struct setting *settings,
	const struct reporter *reporter)
{
	char *line, *end;
	unsigned number = 0;
	int err = 0;

	text_drop_windows(text);
	text_add_bytes(text, "", 1);
	if (text->failed)
		return -ENOMEM;
	if (strlen(text->bytes) + 1 != text->size) {
		report(reporter, REPORT_ERROR, "%s has a NUL byte, so it is not a text file", path);
		return -EINVAL;
	}
	line = text->bytes + utf8_mark(text->bytes, text->size);
	for (; line && !err; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		err = take_line(line, path, ++number, settings, reporter);
	}
	return err;
}

static int read_one(int deployment_fd, const char *path, struct setting *settings,
	const struct reporter *reporter)
{
	struct text text = { 0 };
	int err = file_add_in(deployment_fd, path, FILE_SIZE_MAX, &text);

	if (!err)
		err = take_lines(&text, path, settings, reporter);
	else if (err == -ENOENT || err == -ENOTDIR)
		err = 0;
	else
		report(reporter, REPORT_ERROR, "%s of the deployment cannot be read: %s", path,
			err == -ELOOP ? "it is not a regular file" : strerror(-err));
	if (err == -ENOMEM)
		report(reporter, REPORT_ERROR, "there is not enough memory for %s", path);
	text_free(&text);
	return err;
}

int settings_read(int deployment_fd, const char *file, struct setting *settings,
	const struct reporter *reporter)
{
	static const char *const directories[] = { "usr/lib/rootstock", "etc/rootstock" };

	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++) {
		char path[64];

		(void)snprintf(path, sizeof path, "%s/%s", directories[i], file);
		if (read_one(deployment_fd, path, settings, reporter) < 0)
			return -1;
	}
	return 0;
}

int settings_refuse(const struct setting *setting, const char *why, const struct reporter *reporter)
{
	report(reporter, REPORT_ERROR, "%s:%u: %s, not \"%s\"", setting->file, setting->line, why,
		setting->value);
	return -1;
}

void settings_free(struct setting *settings)
{
	for (; settings->name; settings++) {
		free(settings->value);
		free(settings->file);
		settings->value = settings->file = NULL;
	}
}
