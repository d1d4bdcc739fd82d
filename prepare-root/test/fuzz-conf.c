/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as a keyfile: no access outside them, errors name a line that exists, and the result is
 * GLib's. GLib is not asked about texts with a NUL byte, which ends the text for GLib, with bytes
 * outside ASCII, or with "Encoding", which is a special key in GLib.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "prepare-root/conf.h"
#include "prepare-root/rootconf.h"

static int ask_glib(const char *text, size_t size)
{
	GKeyFile *file = g_key_file_new();
	GError *error = NULL;
	int ret;

	if (!g_key_file_load_from_data(file, text, size, G_KEY_FILE_NONE, &error))
		ret = -EINVAL;
	else if (ret = g_key_file_get_boolean(file, "sysroot", "readonly", &error), error)
		ret = error->code == G_KEY_FILE_ERROR_KEY_NOT_FOUND ||
				      error->code == G_KEY_FILE_ERROR_GROUP_NOT_FOUND
			      ? -ENOENT
			      : -EINVAL;
	g_clear_error(&error);
	g_key_file_free(file);
	return ret;
}

static bool glib_can_tell(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!text[i] || (unsigned char)text[i] >= 0x80)
			return false;
	return !memmem(text, size, "Encoding", 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct fault fault;
	struct where where;
	bool value, readonly = false;
	int err = conf_bool(text, size, "sysroot", "readonly", &value, &where);

	if (err && err != -ENOENT && err != -EINVAL)
		abort();
	if (err == -EINVAL && (!where.line || where.line > size || !where.what))
		abort();
	/* GLib's parser of 2.74 reads one byte before an empty text. */
	if (size && glib_can_tell(text, size) && ask_glib(text, size) != (err ? err : value))
		abort();
	/* A file that is not a keyfile is always refused. */
	if (!rootconf_file("f", text, size, &readonly, &fault) && err == -EINVAL)
		abort();
	return 0;
}
