/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/mountinfo.h"

#include <errno.h>
#include <string.h>

/* Fields before the options of the mount; fields from the "-" to the file system's options. */
enum { BEFORE_OPTIONS = 5, BEFORE_SUPER = 3 };

static unsigned number(const char *text, const char *end)
{
	unsigned value = 0;

	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	return value;
}

unsigned mountinfo_id(const char *fdinfo, size_t len)
{
	static const char key[] = "mnt_id:";
	const char *end = fdinfo + len, *stop;

	for (; (stop = memchr(fdinfo, '\n', (size_t)(end - fdinfo))); fdinfo = stop + 1)
		if ((size_t)(stop - fdinfo) >= sizeof key && !memcmp(fdinfo, key, sizeof key - 1))
			return number(fdinfo + sizeof key - 1, stop);
	return 0;
}

/* Skips count fields, each with the blank after it; NULL if there are fewer. */
static const char *skip(const char *text, const char *end, unsigned count)
{
	while (count-- && text) {
		text = memchr(text, ' ', (size_t)(end - text));
		text = text ? text + 1 : NULL;
	}
	return text;
}

/* The kernel writes ro or rw first. */
static bool is_ro(const char *options, const char *end)
{
	return end - options >= 2 && !memcmp(options, "ro", 2) &&
	       (end - options == 2 || options[2] == ',' || options[2] == ' ');
}

int mountinfo_read(
	const char *text, size_t len, unsigned id, bool *ret_mount_ro, bool *ret_super_ro)
{
	const char *end = text + len, *stop;

	for (; (stop = memchr(text, '\n', (size_t)(end - text))); text = stop + 1) {
		const char *options, *super;

		if (number(text, stop) != id)
			continue;
		options = skip(text, stop, BEFORE_OPTIONS);
		/* Then come any number of optional fields, and a "-". */
		for (super = options; super && *super != '-';)
			super = skip(super, stop, 1);
		super = skip(super, stop, BEFORE_SUPER);
		if (!options || !super)
			return -ENOENT;
		*ret_mount_ro = is_ro(options, stop);
		*ret_super_ro = is_ro(super, stop);
		return 0;
	}
	return -ENOENT;
}
