/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/bootpath.h"

#include <stdio.h>
#include <string.h>

static const char *skip(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return !strncmp(path, prefix, length) && path[length] == '/' ? path + length : path;
}

const char *bootpath_below(const char *path, const char *prefix)
{
	const char *below = skip(path, prefix), *last = strrchr(prefix, '/');

	return below == path && last && !strcmp(last, "/boot") ? skip(path, last) : below;
}

char *bootpath_make(const char *path, const char *prefix)
{
	char *made;

	return asprintf(&made, "%s%s", prefix, bootpath_below(path, prefix)) < 0 ? NULL : made;
}
