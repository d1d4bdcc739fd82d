/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/file.h"
#include "bls/directory.h"

enum { NAME_SIZE = 64, FILE_SIZE_MAX = 1 << 20 };

#define MODULES "usr/lib/modules"

/* A name as it stands in a list: between two line feeds. */
static bool make_line(const char *name, size_t length, char ret_line[NAME_SIZE])
{
	if (!length || length > NAME_SIZE - 3)
		return false;
	(void)snprintf(ret_line, NAME_SIZE, "\n%.*s\n", (int)length, name);
	for (char *c = ret_line; *c; c++)
		if (*c == '-')
			*c = '_';
	return true;
}

bool modules_add(struct text *list, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *end = strstr(name, ".ko");
	char line[NAME_SIZE];

	if (!end || (end[3] && end[3] != '.') || !make_line(name, (size_t)(end - name), line))
		return false;
	text_add(list, line + (list->size != 0));
	return true;
}

bool modules_have(const struct text *list, const char *name)
{
	char line[NAME_SIZE];

	return make_line(name, strlen(name), line) && list->size &&
	       memmem(list->bytes, list->size, line, strlen(line));
}

/* What modules_release() looks for, and what it has found. */
struct find {
	const char *file;
	char *release;
};

static int find_release(void *context, int dir_fd, const char *name)
{
	struct find *find = context;
	char path[PATH_MAX];

	if (*name == '.' || snprintf(path, sizeof path, "%s/%s", name, find->file) >= PATH_MAX ||
		faccessat(dir_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (find->release)
		return -ENOTUNIQ;
	find->release = strdup(name);
	return find->release ? 0 : -ENOMEM;
}

int modules_release(int deployment_fd, const char *file, char **ret_release)
{
	struct find find = { .file = file };
	int err = directory_each_in(deployment_fd, MODULES, find_release, &find);

	if (!err && !find.release)
		err = -ENOENT;
	if (err) {
		free(find.release);
		find.release = NULL;
	}
	*ret_release = find.release;
	return err;
}

static int read_list(int deployment_fd, const char *release, struct text *list)
{
	char path[PATH_MAX], *rest = NULL;
	struct text text = { 0 };
	int err = -ENAMETOOLONG;

	if (snprintf(path, sizeof path, MODULES "/%s/modules.builtin", release) < PATH_MAX)
		err = file_add_in(deployment_fd, path, FILE_SIZE_MAX, &text);
	if (!err && !text_string(&text))
		err = -ENOMEM;
	if (!err)
		for (char *line = strtok_r(text.bytes, "\n", &rest); line;
			line = strtok_r(NULL, "\n", &rest))
			(void)modules_add(list, line);
	text_free(&text);
	return err;
}

int modules_builtin(int deployment_fd, struct text *list, char **ret_release)
{
	int err = modules_release(deployment_fd, "modules.builtin", ret_release);

	if (!err)
		err = read_list(deployment_fd, *ret_release, list);
	if (err) {
		free(*ret_release);
		*ret_release = NULL;
	}
	return err;
}
