/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any path and target: what comes out stays in the tree, and a second time changes nothing in usr. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ota/place.h"
#include "ota/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	char *feed = strchr(text, '\n');
	g_autofree char *path = NULL, *to = NULL, *target = NULL;
	enum place_rule rule;

	if (feed)
		*feed++ = '\0';
	path = source_trim(text);
	if (!source_check_path(path, NULL))
		return 0;
	to = place(path, (size & 1) != 0, (place_without)size, &rule);
	if (!to)
		return rule ? 0 : (abort(), 0);
	if (!source_check_path(to, NULL) || *to == '/' || (!*to && *path))
		abort();
	if (g_str_has_prefix(to, "etc/") || g_str_has_prefix(to, "bin/") || !strcmp(to, "etc/"))
		abort();
	target = feed && *feed ? place_target(path, to, feed, 0) : NULL;
	if (target && *target != '/')
		abort();
	return 0;
}
