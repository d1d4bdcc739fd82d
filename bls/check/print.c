/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/json.h"
#include "bls/check/known.h"
#include "bls/utf8.h"

static bool is_list(enum entry_key key)
{
	return key == ENTRY_INITRD || key == ENTRY_EXTRA;
}

static const char *value_of(const struct entry *entry, enum entry_key key)
{
	return key == ENTRY_OPTIONS ? entry->options : entry_value(entry, key);
}

/* The key that hides an entry from our menus, or NULL. */
static const char *hiding_key(const struct menu_item *item)
{
	static const enum entry_key keys[] = { ENTRY_EFI, ENTRY_UKI, ENTRY_UKI_URL };

	for (size_t i = 0; menu_hidden(item) && i < sizeof keys / sizeof *keys; i++)
		if (item->entry.last[keys[i]])
			return item->entry.last[keys[i]]->name;
	return NULL;
}

static void begin_row(struct text *text, const char *name)
{
	text_print(text, "    %-20s", name);
}

static void add_row(struct text *text, const char *name, const char *value)
{
	begin_row(text, name);
	utf8_add_printable(text, value);
	text_add(text, "\n");
}

static void add_place(struct text *text, const char *file, unsigned line)
{
	utf8_add_printable(text, file);
	if (line)
		text_print(text, ":%u", line);
	text_add(text, ": ");
}

static void add_keys(struct text *text, const struct entry *entry)
{
	for (enum entry_key key = 0; key < ENTRY_UNKNOWN; key++) {
		const struct entry_line *line = NULL;

		if (!is_list(key) && entry->last[key])
			add_row(text, entry->last[key]->name, value_of(entry, key));
		while (is_list(key) && (line = entry_next(entry, key, line)))
			add_row(text, line->name, line->value);
	}
}

/* Adds why the item is in this place. */
static void add_order(struct text *text, const struct menu *menu, size_t i)
{
	begin_row(text, "order");
	if (i) {
		text_add(text, "after ");
		utf8_add_printable(text, menu->items[i - 1].name);
		text_print(text, ": %s\n", menu_reason(&menu->items[i - 1], &menu->items[i]));
	} else {
		text_add(text, "first\n");
	}
	if (menu->items[i].left < 0)
		return;
	begin_row(text, "tries");
	text_print(text, "%ld left, %ld failed\n", menu->items[i].left, menu->items[i].done);
}

static void add_label(struct text *text, const struct loader_label *label)
{
	text_add(text, label->place);
	if (label->id) {
		text_add(text, ", id ");
		utf8_add_printable(text, label->id);
	}
	if (label->title) {
		text_add(text, ", \"");
		utf8_add_printable(text, label->title);
		text_add(text, "\"");
	}
	if (label->machine) {
		text_add(text, "; started on ");
		utf8_add_printable(text, label->machine);
		text_add(text, " only");
	}
}

static void add_loader(struct text *text, const struct menufile *file, size_t i)
{
	const struct verdict *verdict;

	if (!file->wanted)
		return;
	verdict = &file->verdicts[i];
	begin_row(text, file->loader->name);
	if (verdict->in_menu) {
		add_label(text, &file->labels[i]);
	} else {
		text_add(text, "left out: ");
		add_place(text, file->menu->items[i].name, verdict->where.line);
		text_add(text, verdict->where.what);
	}
	text_add(text, "\n");
}

void print_menu(struct text *text, const struct result *result)
{
	for (size_t i = 0; i < result->menu.count; i++) {
		const struct menu_item *item = &result->menu.items[i];
		const char *key = hiding_key(item);

		text_print(text, "%zu. ", i + 1);
		utf8_add_printable(text, item->name);
		text_add(text, "\n");
		add_keys(text, &item->entry);
		add_order(text, &result->menu, i);
		if (key) {
			begin_row(text, "hidden");
			text_print(text, "an entry with %s is for EFI, and in no menu made here\n",
				key);
			continue;
		}
		for (size_t j = 0; j < result->file_count; j++)
			add_loader(text, &result->files[j], i);
	}
}

static void add_uuid(struct text *text, const struct bootfs *bootfs)
{
	if (bootfs->uuid) {
		text_add(text, ", UUID ");
		utf8_add_printable(text, bootfs->uuid);
	} else if (bootfs->error) {
		text_print(text, ", whose UUID cannot be read: %s", strerror(-bootfs->error));
	} else {
		text_add(text, " without a UUID");
	}
}

static void add_bootfs_path(struct text *text, const char *path)
{
	if (!*path) {
		text_add(text, "a file system of its own, ");
	} else if (!strcmp(path, "/boot")) {
		text_add(text, "a directory of the root file system, ");
	} else {
		text_add(text, "found by a loader as ");
		utf8_add_printable(text, path);
		text_add(text, ", ");
	}
}

static void add_bootfs(struct text *text, const struct result *result)
{
	const struct bootfs *bootfs = &result->bootfs;

	utf8_add_printable(text, result->sysroot.root);
	text_add(text, "boot: ");
	if (result->bootfs_error) {
		text_print(
			text, "its file system is not known: %s", strerror(-result->bootfs_error));
	} else if (!bootfs->type) {
		text_add(text, "a directory; its future file system is not known");
	} else {
		add_bootfs_path(text, bootfs->path);
		utf8_add_printable(text, bootfs->type);
		add_uuid(text, bootfs);
	}
	text_add(text, "\n");
}

/* Adds whether an entry boots. */
static void add_outcome(struct text *text, const struct result *result, size_t i)
{
	const struct menu_item *item = &result->menu.items[i];
	const struct finding *obstacle =
		findings_obstacle(&result->findings, result->sysroot.entries, item->name);
	const char *key = hiding_key(item);

	if (obstacle) {
		text_add(text, "does not boot: ");
		utf8_add_printable(text, obstacle->what);
	} else if (key) {
		text_print(text, "has %s, so it is for EFI, and is not followed", key);
	} else {
		text_add(text, "boots");
	}
	text_add(text, "\n");
}

/* A finding, and the place of the first one with the same remedy. */
struct grouped {
	const struct finding *finding;
	size_t place, group;
};

static int compare_remedies(const void *left, const void *right)
{
	const struct grouped *a = left, *b = right;

	return strcmp(a->finding->remedy, b->finding->remedy);
}

static int compare_groups(const void *left, const void *right)
{
	const struct grouped *a = left, *b = right;

	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

/* Findings without a remedy are groups of their own. NULL without memory. */
static struct grouped *group(const struct findings *findings)
{
	struct grouped *list = calloc(findings->count + 1, sizeof *list);
	void *known = NULL;

	for (size_t i = 0; list && i < findings->count; i++) {
		const struct grouped *first = &list[i];

		list[i] = (struct grouped){ findings->list[i], i, i };
		if (list[i].finding->remedy)
			first = known_first(&known, &list[i], compare_remedies);
		if (first)
			list[i].group = first->group;
	}
	known_free(known);
	if (list)
		qsort(list, findings->count, sizeof *list, compare_groups);
	return list;
}

static void add_findings(struct text *text, const struct findings *findings)
{
	struct grouped *list = group(findings);

	text->failed |= !list;
	for (size_t i = 0; list && i < findings->count; i++) {
		const struct finding *finding = list[i].finding;

		text_add(text, finding->kind->severity == FINDINGS_ERROR ? "error: " : "warning: ");
		add_place(text, finding->file, finding->line);
		utf8_add_printable(text, finding->what);
		text_add(text, "\n");
		if (!finding->remedy ||
			(i + 1 < findings->count && list[i + 1].group == list[i].group))
			continue;
		text_add(text, "    to do: ");
		utf8_add_printable(text, finding->remedy);
		text_add(text, "\n");
	}
	free(list);
}

void print_findings(struct text *text, const struct result *result)
{
	const struct findings *findings = &result->findings;

	add_bootfs(text, result);
	for (size_t i = 0; i < result->menu.count; i++) {
		text_print(text, "%zu. ", i + 1);
		utf8_add_printable(text, result->menu.items[i].name);
		text_add(text, ": ");
		add_outcome(text, result, i);
	}
	add_findings(text, findings);
	text_print(text, "entries: %zu, errors: %zu, warnings: %zu\n", result->menu.count,
		findings->errors, findings->count - findings->errors);
}

void print_way(struct text *text, const struct result *result, size_t i)
{
	const char *line = NULL;

	utf8_add_printable(text, result->menu.items[i].name);
	text_add(text, "\n");
	while ((line = way_next(&result->ways[i], line))) {
		utf8_add_printable(text, line);
		text_add(text, "\n");
	}
	text_add(text, "It ");
	add_outcome(text, result, i);
}

static void put_keys(struct json *json, const struct entry *entry)
{
	for (enum entry_key key = 0; key < ENTRY_UNKNOWN; key++) {
		const struct entry_line *line = NULL;

		if (!entry->last[key])
			continue;
		if (!is_list(key)) {
			json_string(json, entry->last[key]->name, value_of(entry, key));
			continue;
		}
		json_open(json, entry->last[key]->name, '[');
		while ((line = entry_next(entry, key, line)))
			json_string(json, NULL, line->value);
		json_close(json, ']');
	}
}

static void put_where(struct json *json, const char *name, const struct where *where)
{
	json_open(json, name, '{');
	if (where->line)
		json_number(json, "line", (long)where->line);
	json_string(json, "what", where->what);
	json_close(json, '}');
}

static void put_label(
	struct json *json, const struct loader *loader, const struct loader_label *label)
{
	char *end;
	long number = strtol(label->place, &end, 10);

	if (*end)
		json_string(json, loader->place, label->place);
	else
		json_number(json, loader->place, number);
	if (label->id)
		json_string(json, "id", label->id);
	if (label->title)
		json_string(json, "title", label->title);
}

static void put_loader(struct json *json, const struct menufile *file, size_t i)
{
	if (!file->wanted || menu_hidden(&file->menu->items[i]))
		return;
	json_open(json, file->loader->word, '{');
	if (file->verdicts[i].in_menu)
		put_label(json, file->loader, &file->labels[i]);
	else
		put_where(json, "left-out", &file->verdicts[i].where);
	json_close(json, '}');
}

/* Whether the entry boots, and if not, why. */
static void put_outcome(struct json *json, const struct result *result, size_t i)
{
	const struct finding *obstacle = findings_obstacle(
		&result->findings, result->sysroot.entries, result->menu.items[i].name);

	if (menu_hidden(&result->menu.items[i]))
		return;
	json_bool(json, "boots", !obstacle);
	if (obstacle)
		json_string(json, "obstacle", obstacle->what);
}

/* The lines of the way as strings. */
static void put_way(struct json *json, const struct way *way)
{
	const char *line = NULL;

	json_open(json, "way", '[');
	while ((line = way_next(way, line)))
		json_string(json, NULL, line);
	json_close(json, ']');
}

static void put_item(struct json *json, const struct result *result, size_t i)
{
	const struct menu_item *item = &result->menu.items[i];
	const char *key = hiding_key(item);

	json_open(json, NULL, '{');
	json_string(json, "file", item->name);
	put_keys(json, &item->entry);
	if (i)
		json_string(json, "reason", menu_reason(item - 1, item));
	if (item->left >= 0) {
		json_number(json, "tries-left", item->left);
		json_number(json, "tries-done", item->done);
	}
	if (item->error)
		put_where(json, "error", &item->where);
	if (key)
		json_string(json, "hidden", key);
	for (size_t j = 0; j < result->file_count; j++)
		put_loader(json, &result->files[j], i);
	if (result->ways) {
		put_outcome(json, result, i);
		put_way(json, &result->ways[i]);
	}
	json_close(json, '}');
}

static void put_bootfs(struct json *json, const struct result *result)
{
	const struct bootfs *bootfs = &result->bootfs;
	int error = result->bootfs_error ? result->bootfs_error : bootfs->error;

	json_open(json, "boot", '{');
	if (bootfs->type) {
		json_bool(json, "own", !*bootfs->path);
		json_string(json, "path", bootfs->path);
		json_string(json, "type", bootfs->type);
	}
	if (bootfs->device)
		json_string(json, "device", bootfs->device);
	if (bootfs->uuid)
		json_string(json, "uuid", bootfs->uuid);
	if (error)
		json_string(json, "error", strerror(-error));
	json_close(json, '}');
}

static void put_findings(struct json *json, const struct findings *findings)
{
	json_open(json, "findings", '[');
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = findings->list[i];

		json_open(json, NULL, '{');
		json_string(json, "severity",
			finding->kind->severity == FINDINGS_ERROR ? "error" : "warning");
		json_string(json, "id", finding->kind->id);
		json_string(json, "file", finding->file);
		if (finding->line)
			json_number(json, "line", (long)finding->line);
		json_string(json, "what", finding->what);
		if (finding->remedy)
			json_string(json, "remedy", finding->remedy);
		json_close(json, '}');
	}
	json_close(json, ']');
}

void print_json(struct text *text, const struct result *result, bool with_findings)
{
	struct json json = { .text = text };

	json_open(&json, NULL, '{');
	json_string(&json, "root", result->sysroot.root);
	json_string(&json, "directory", result->sysroot.entries);
	json_string(&json, "prefix", result->sysroot.prefix);
	put_bootfs(&json, result);
	json_open(&json, "entries", '[');
	for (size_t i = 0; i < result->menu.count; i++)
		put_item(&json, result, i);
	json_close(&json, ']');
	if (with_findings)
		put_findings(&json, &result->findings);
	json_close(&json, '}');
	text_add(text, "\n");
}
