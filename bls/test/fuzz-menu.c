/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as the files of a menu, "NAME\nENTRY\0NAME\nENTRY\0…": their order is consistent. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bls/menu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FILES_MAX = 12 };

struct file {
	char *name;
	const char *bytes;
	size_t size;
};

/* Names are unique, as in a directory. Returns the number of files. */
static size_t read_files(const char *text, size_t size, struct file files[FILES_MAX])
{
	size_t count = 0;

	while (size && count < FILES_MAX) {
		const char *end = memchr(text, '\0', size);
		size_t length = end ? (size_t)(end - text) : size;
		const char *line = memchr(text, '\n', length);
		size_t name_length = line ? (size_t)(line - text) : length, same = 0;
		struct file file = { .name = strndup(text, name_length) };

		assert(file.name);
		file.bytes = line ? line + 1 : "";
		file.size = line ? length - name_length - 1 : 0;
		while (same < count && strcmp(files[same].name, file.name) != 0)
			same++;
		if (same == count)
			files[count++] = file;
		else
			free(file.name);
		text += length + (end != NULL);
		size -= length + (end != NULL);
	}
	return count;
}

/* The menu of all files except one, added in a rotated order, forwards or backwards. */
static struct menu make_menu(
	const struct file *files, size_t count, size_t without, size_t turn, bool backwards)
{
	struct menu menu = { 0 };

	for (size_t i = 0; i < count; i++) {
		size_t k = (turn + i) % count;
		const struct file *file = &files[backwards ? count - 1 - k : k];

		if (file != &files[without])
			assert(menu_add(&menu, file->name, file->bytes, file->size) == 0);
	}
	menu_sort(&menu);
	return menu;
}

/* Checks the part of the name after the stem with another parser. */
static void check_counter(const struct menu_item *item)
{
	const char *rest = item->name + strlen(item->stem);
	char *end = (char *)rest;

	assert(!strncmp(item->name, item->stem, strlen(item->stem)));
	assert(item->left >= -1 && item->done >= 0);
	if (item->left >= 0) {
		assert(*rest == '+');
		assert(strtol(rest + 1, &end, 10) == item->left);
		if (*end == '-')
			assert(strtol(end + 1, &end, 10) == item->done);
		else
			assert(item->done == 0);
	}
	assert(!strcasecmp(end, ".conf") || !*item->stem);
}

static void check_item(const struct menu_item *item)
{
	const char *sort_key = entry_value(&item->entry, ENTRY_SORT_KEY);

	check_counter(item);
	assert(!item->error == !item->where.what);
	assert(item->libostree == (!strncmp(item->stem, "ostree-", 7) && !sort_key));
	if (!item->libostree)
		assert(item->version == entry_value(&item->entry, ENTRY_VERSION));
	if (menu_hidden(item))
		assert(!item->error);
	else
		assert(item->error || entry_value(&item->entry, ENTRY_LINUX));
}

static void check_neighbours(const struct menu_item *a, const struct menu_item *b)
{
	const char *x = entry_value(&a->entry, ENTRY_SORT_KEY);
	const char *y = entry_value(&b->entry, ENTRY_SORT_KEY);

	assert((a->left == 0) <= (b->left == 0));
	if ((a->left == 0) != (b->left == 0))
		return;
	assert(x || !y);
	if (x && y)
		assert(strcmp(x, y) <= 0);
}

/* Checks that both menus have the same order, except for a file that the other one lacks. */
static void check_same_order(const struct menu *menu, const struct menu *other, const char *without)
{
	size_t j = 0;

	for (size_t i = 0; i < menu->count; i++) {
		if (without && !strcmp(menu->items[i].name, without))
			continue;
		assert(j < other->count && !strcmp(menu->items[i].name, other->items[j].name));
		j++;
	}
	assert(j == other->count);
}

static void check_menu(const struct file *files, size_t count)
{
	struct menu menu = make_menu(files, count, count, 0, false), other;

	assert(menu.count == count);
	for (size_t i = 0; i < count; i++) {
		check_item(&menu.items[i]);
		if (i)
			check_neighbours(&menu.items[i - 1], &menu.items[i]);
	}
	/* The order of two files depends neither on the order of adding them nor on other files. */
	for (size_t i = 0; i < count; i++) {
		other = make_menu(files, count, count, i, i % 2);
		check_same_order(&menu, &other, NULL);
		menu_free(&other);
		other = make_menu(files, count, i, 0, true);
		check_same_order(&menu, &other, files[i].name);
		menu_free(&other);
	}
	menu_free(&menu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct file files[FILES_MAX + 1] = { 0 };
	size_t count = read_files((const char *)data, size, files);

	check_menu(files, count);
	for (size_t i = 0; i < count; i++)
		free(files[i].name);
	return 0;
}
