/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries and their order from arbitrary bytes: "NAME\nENTRY\0NAME\nENTRY\0…". */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bls/menu.h"
#include "bls/version.h"

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

static void read_menu(struct menu *menu, const char *text, size_t size)
{
	while (size) {
		const char *end = memchr(text, '\0', size);
		size_t length = end ? (size_t)(end - text) : size;
		const char *line = memchr(text, '\n', length);
		size_t name_length = line ? (size_t)(line - text) : length;
		char *name = strndup(text, name_length);

		assert(name);
		if (line && menu_add(menu, name, line + 1, length - name_length - 1) == 0)
			check_entry(&menu->items[menu->count - 1].entry);
		free(name);
		text += length + (end != NULL);
		size -= length + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct menu menu = { 0 };
	struct entry entry;
	struct where where;
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	text[size] = '\0';
	if (entry_parse(text, size, &entry, &where) < 0)
		assert(where.what);
	check_entry(&entry);
	entry_free(&entry);

	read_menu(&menu, text, size);
	menu_sort(&menu);
	for (size_t i = 1; i < menu.count; i++) {
		const struct menu_item *item = &menu.items[i];

		assert((item[-1].left == 0) <= (item->left == 0));
		assert(version_compare(item->stem, item->stem) == 0);
		assert((version_compare(item->stem, item[-1].stem) > 0) ==
			(version_compare(item[-1].stem, item->stem) < 0));
	}
	/* The order must not depend on the order before. */
	for (size_t i = 0; i < menu.count / 2; i++) {
		struct menu_item other = menu.items[menu.count - 1 - i];

		menu.items[menu.count - 1 - i] = menu.items[i];
		menu.items[i] = other;
	}
	const char *names[MENU_ENTRIES_MAX] = { NULL };

	for (size_t i = 0; i < menu.count; i++)
		names[i] = menu.items[menu.count - 1 - i].name;
	menu_sort(&menu);
	for (size_t i = 0; i < menu.count; i++)
		assert(names[i] && !strcmp(names[i], menu.items[i].name));
	menu_free(&menu);
	free(text);
	return 0;
}
