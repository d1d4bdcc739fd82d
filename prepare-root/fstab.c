/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/fstab.h"

#include <limits.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_octal(const char *digits, const char *end)
{
	return end - digits >= 3 && digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' &&
	       digits[1] <= '7' && digits[2] >= '0' && digits[2] <= '7';
}

/* Decodes the escapes of a field; a result longer than any path becomes "". */
static void decode(const char *field, const char *end, char ret_path[PATH_MAX])
{
	size_t used = 0;

	for (; field < end && used < PATH_MAX - 1; used++)
		if (*field == '\\' && is_octal(field + 1, end)) {
			ret_path[used] = (char)((field[1] - '0') << 6 | (field[2] - '0') << 3 |
						(field[3] - '0'));
			field += 4;
		} else {
			ret_path[used] = *field++;
		}
	ret_path[field < end ? 0 : used] = 0;
}

/* Removes repeated slashes, "." and ".." from an absolute path, in place; "/" becomes "". */
static void simplify(char *path)
{
	char *done = path, *rest = path;

	while (*(rest += strspn(rest, "/"))) {
		size_t len = strcspn(rest, "/");

		if (len == 2 && !memcmp(rest, "..", 2)) {
			while (done > path && *--done != '/')
				;
		} else if (len != 1 || *rest != '.') {
			*done++ = '/';
			memmove(done, rest, len);
			done += len;
		}
		rest += len;
	}
	*done = 0;
}

static bool line_has(const char *line, const char *end, const char *target)
{
	char path[PATH_MAX];
	const char *field;

	while (line < end && is_blank(*line))
		line++;
	if (line == end || *line == '#')
		return false;
	while (line < end && !is_blank(*line))
		line++;
	while (line < end && is_blank(*line))
		line++;
	for (field = line; line < end && !is_blank(*line);)
		line++;
	decode(field, line, path);
	if (*path != '/')
		return false;
	simplify(path);
	return !strcmp(path, target);
}

bool fstab_has(const char *text, size_t len, const char *target)
{
	const char *end = text + len;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		stop = stop ? stop : end;
		if (line_has(text, stop > text && stop[-1] == '\r' ? stop - 1 : stop, target))
			return true;
		text = stop + (stop < end);
	}
	return false;
}
