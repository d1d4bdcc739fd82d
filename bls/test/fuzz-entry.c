/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an entry. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "bls/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct entry *entry)
{
	size_t options = 0;

	for (size_t i = 0; i < entry->count; i++) {
		const struct entry_line *line = &entry->lines[i];

		assert(line->number && *line->name && line->value);
		assert(!strchr(line->value, '\n') && !strchr(line->name, ' '));
		if (i)
			assert(line->number > line[-1].number);
		if (line->key == ENTRY_LINUX)
			assert(line->value[0] == '/' && !strstr(line->value, "/../"));
		if (line->key == ENTRY_OPTIONS)
			options += strlen(line->value) + (options != 0);
	}
	assert(strlen(entry->options) == options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct entry entry;
	struct where where;

	if (entry_parse((const char *)data, size, &entry, &where) < 0)
		assert(where.what);
	check_entry(&entry);
	entry_free(&entry);
	return 0;
}
