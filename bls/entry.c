/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/entry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bls/utf8.h"

static const struct {
	const char *name;
	bool is_file;
} keys[] = {
	[ENTRY_TITLE] = { "title", false },
	[ENTRY_VERSION] = { "version", false },
	[ENTRY_MACHINE_ID] = { "machine-id", false },
	[ENTRY_SORT_KEY] = { "sort-key", false },
	[ENTRY_LINUX] = { "linux", true },
	[ENTRY_INITRD] = { "initrd", true },
	[ENTRY_EFI] = { "efi", true },
	[ENTRY_UKI] = { "uki", true },
	[ENTRY_UKI_URL] = { "uki-url", false },
	[ENTRY_OPTIONS] = { "options", false },
	[ENTRY_DEVICETREE] = { "devicetree", true },
	[ENTRY_DEVICETREE_OVERLAY] = { "devicetree-overlay", false },
	[ENTRY_ARCHITECTURE] = { "architecture", false },
	[ENTRY_PROFILE] = { "profile", false },
	[ENTRY_EXTRA] = { "extra", true },
	[ENTRY_FDTDIR] = { "fdtdir", true },
};

static int blame(struct where *ret_where, int error, unsigned line, const char *what)
{
	/* Only the first mistake is reported. */
	if (!ret_where->what)
		*ret_where = (struct where){ line, what };
	return error;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum entry_key find_key(const char *word)
{
	enum entry_key key = 0;

	while (key < ENTRY_UNKNOWN && strcmp(keys[key].name, word) != 0)
		key++;
	return key;
}

static bool climbs(const char *path)
{
	const char *part = path;

	while (part) {
		size_t len = strcspn(part, "/");

		if (len == 2 && part[0] == '.' && part[1] == '.')
			return true;
		part = part[len] ? part + len + 1 : NULL;
	}
	return false;
}

/* Parses one line; end is its terminating NUL. entry->lines has room for it. */
static int take_line(
	struct entry *entry, char *text, char *end, unsigned number, struct where *ret_where)
{
	struct entry_line line = { .number = number };
	char *value;

	while (end > text && (is_blank(end[-1]) || end[-1] == '\r'))
		*--end = '\0';
	while (is_blank(*text))
		text++;
	if (!*text || *text == '#')
		return 0;

	value = text + strcspn(text, " \t");
	if (*value)
		*value++ = '\0';
	while (is_blank(*value))
		value++;

	line.key = find_key(text);
	line.name = line.key == ENTRY_UNKNOWN ? text : keys[line.key].name;
	if (line.key != ENTRY_UNKNOWN && !*value)
		return keys[line.key].is_file ? blame(ret_where, -EINVAL, number,
							"this key needs the name of a file")
					      : 0;
	if (line.key != ENTRY_UNKNOWN && keys[line.key].is_file) {
		if (climbs(value))
			return blame(ret_where, -EINVAL, number, "a path must not contain \"..\"");
		/* Loaders print it as it is when they load the file, or do not find it. */
		if (utf8_has_control(value))
			return blame(ret_where, -EINVAL, number,
				"a path must not contain control characters");
		/* The key was parsed already, so the byte before the value is free. */
		if (*value != '/')
			*--value = '/';
	}
	line.value = value;
	entry->lines[entry->count++] = line;
	return 0;
}

static int join_options(struct entry *entry)
{
	const struct entry_line *line;
	size_t size = 1;
	char *end;

	for (line = NULL; (line = entry_next(entry, ENTRY_OPTIONS, line));)
		size += strlen(line->value) + 1;
	end = entry->options = malloc(size);
	if (!end)
		return -ENOMEM;
	*end = '\0';
	for (line = NULL; (line = entry_next(entry, ENTRY_OPTIONS, line));) {
		if (end != entry->options)
			*end++ = ' ';
		end = stpcpy(end, line->value);
	}
	return 0;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 1;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

static int take_lines(struct entry *entry, size_t size, struct where *ret_where)
{
	char *text = entry->text + utf8_mark(entry->text, size), *stop = entry->text + size;
	unsigned number = 0;
	int error = 0;

	entry->lines = calloc(count_lines(entry->text, size), sizeof *entry->lines);
	if (!entry->lines)
		return -ENOMEM;
	while (text < stop) {
		char *end = memchr(text, '\n', (size_t)(stop - text));
		int err;

		if (!end)
			end = stop;
		*end = '\0';
		number++;
		if (memchr(text, '\0', (size_t)(end - text)))
			err = blame(ret_where, -EINVAL, number,
				"a NUL byte does not belong in a text file");
		else
			err = take_line(entry, text, end, number, ret_where);
		if (err < 0)
			error = err;
		text = end + 1;
	}
	return error;
}

int entry_parse(const char *bytes, size_t size, struct entry *ret_entry, struct where *ret_where)
{
	struct entry *entry = ret_entry;
	int error;

	*ret_where = (struct where){ 0 };
	*entry = (struct entry){ 0 };
	entry->text = malloc(size + 1);
	if (!entry->text)
		return -ENOMEM;
	if (size > ENTRY_SIZE_MAX) {
		error = blame(ret_where, -EFBIG, 0, "the entry is larger than 64 KiB");
	} else {
		memcpy(entry->text, bytes, size);
		error = take_lines(entry, size, ret_where);
	}
	if (error == -ENOMEM || join_options(entry) < 0)
		return -ENOMEM;

	for (size_t i = 0; i < entry->count; i++)
		if (entry->lines[i].key != ENTRY_UNKNOWN)
			entry->last[entry->lines[i].key] = &entry->lines[i];
	if (!error && !entry->last[ENTRY_LINUX] && !entry->last[ENTRY_EFI] &&
		!entry->last[ENTRY_UKI] && !entry->last[ENTRY_UKI_URL])
		error = blame(ret_where, -EINVAL, 0, "there is no linux line");
	return error;
}

const char *entry_value(const struct entry *entry, enum entry_key key)
{
	return entry->last[key] ? entry->last[key]->value : NULL;
}

const struct entry_line *entry_next(
	const struct entry *entry, enum entry_key key, const struct entry_line *previous)
{
	size_t i = previous ? (size_t)(previous - entry->lines) + 1 : 0;

	for (; i < entry->count; i++)
		if (entry->lines[i].key == key)
			return &entry->lines[i];
	return NULL;
}

unsigned entry_options_line(const struct entry *entry, size_t place)
{
	const struct entry_line *line = NULL, *found = NULL;
	size_t end = 0;

	while (place >= end && (line = entry_next(entry, ENTRY_OPTIONS, line))) {
		found = line;
		end += strlen(line->value) + 1;
	}
	return found ? found->number : 0;
}

void entry_free(struct entry *entry)
{
	free(entry->lines);
	free(entry->options);
	free(entry->text);
	*entry = (struct entry){ 0 };
}
