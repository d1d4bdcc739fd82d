/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as entries and an integrator's lines: the variables in U-Boot match the entries.
 *
 * The input is "ENTRY\0ENTRY\0ENTRY\0LINES". For each name of a field the file is imported as by
 * U-Boot, into an environment in which the name already has a value. Then the field must have
 * exactly the entry's value, whatever the lines are, and the last record must be the mark. The
 * importer here is written from the description of himport_r and shares no code with the tested
 * program.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/kargs.h"
#include "uboot/ownlines.h"
#include "uboot/uenv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES = 3 };

/* Reads the value after a "=", unescaped, into value; returns its end in the file. */
static const char *read_value(const char *at, char *value)
{
	while (*at && *at != '\n') {
		if (*at == '\\' && at[1])
			at++;
		*value++ = *at++;
	}
	*value = '\0';
	return at;
}

/* Imports one name from the file; *value is its old and then its new value. Returns the number of
 * records. */
static size_t import(const char *at, const char *name, char *value, char *scratch)
{
	size_t records = 0;

	while (*at) {
		const char *start;
		size_t length;

		at += strspn(at, " \t");
		if (*at == '#') {
			at += strcspn(at, "\n");
			at += *at == '\n';
			continue;
		}
		start = at;
		length = strcspn(at, "=\n");
		at += length;
		*scratch = '\0';
		if (*at == '=')
			at = read_value(at + 1, scratch);
		/* U-Boot would stop here. */
		assert(length || !*scratch);
		records += length != 0;
		if (length && strlen(name) == length && !memcmp(start, name, length))
			strcpy(value, scratch);
		at += *at == '\n';
	}
	return records;
}

/* Compares the words, except init= words that an entry with an initrd must not have. */
static void check_bootargs(const struct entry *entry, const char *value)
{
	struct kargs ours, theirs;
	size_t i = 0;

	assert(kargs_split(value, &ours) == 0 && kargs_split(entry->options, &theirs) == 0);
	if (ours.count == theirs.count)
		assert(!strcmp(value, entry->options));
	for (size_t j = 0; j < theirs.count; j++) {
		const struct karg *karg = &theirs.words[j].karg;

		if (entry->last[ENTRY_INITRD] && karg->value && !strcmp(karg->name, "init") &&
			cmdline_names_prepare_root(karg->value))
			continue;
		assert(i < ours.count);
		assert(!strcmp(ours.words[i].karg.name, karg->name));
		assert(!karg->value == !ours.words[i].karg.value);
		assert(!karg->value || !strcmp(ours.words[i].karg.value, karg->value));
		i++;
	}
	assert(i == ours.count);
	kargs_free(&ours);
	kargs_free(&theirs);
}

static void check_path(const struct entry *entry, enum entry_key key, const char *value)
{
	const char *path = entry_value(entry, key);

	if (key == ENTRY_INITRD && path)
		path = entry_next(entry, key, NULL)->value;
	if (!path)
		assert(!*value);
	else if (!strncmp(path, "/boot/", 6))
		assert(!strcmp(value, path));
	else
		assert(!strncmp(value, "/boot/", 6) && !strcmp(value + 5, path));
}

/* Whether no entry in the menu has this key, so that the board's own device tree stays. */
static bool has_none(const struct menu *menu, const struct verdict verdicts[], enum entry_key key)
{
	if (key != ENTRY_DEVICETREE && key != ENTRY_FDTDIR)
		return false;
	for (size_t i = 0; i < menu->count; i++)
		if (verdicts[i].in_menu && menu->items[i].entry.last[key])
			return false;
	return true;
}

/* entry is NULL for a number without an entry. */
static void check_fields(const char *file, const struct menu *menu, const struct verdict verdicts[],
	const struct entry *entry, unsigned number, char *value, char *scratch)
{
	static const struct {
		const char *name;
		enum entry_key key;
	} fields[] = { { "kernel_image", ENTRY_LINUX }, { "ramdisk_image", ENTRY_INITRD },
		{ "fdt_file", ENTRY_DEVICETREE }, { "fdtdir", ENTRY_FDTDIR },
		{ "bootargs", ENTRY_OPTIONS }, { "bootdir", ENTRY_UNKNOWN },
		{ "ramdisk_images", ENTRY_UNKNOWN } };

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		char name[32];

		snprintf(name, sizeof name, number > 1 ? "%s%u" : "%s", fields[i].name, number);
		strcpy(value, "stale");
		import(file, name, value, scratch);
		if (!strcmp(value, "stale") && has_none(menu, verdicts, fields[i].key))
			continue;
		if (!entry)
			assert(!*value);
		else if (fields[i].key == ENTRY_OPTIONS)
			check_bootargs(entry, value);
		else if (fields[i].key != ENTRY_UNKNOWN)
			check_path(entry, fields[i].key, value);
	}
}

static void check(
	const char *file, const struct menu *menu, const struct verdict verdicts[], size_t count)
{
	size_t size = strlen(file) + sizeof "stale";
	char *value = malloc(size), *scratch = malloc(size), *cut;
	unsigned number = 1;

	assert(value && scratch);
	for (size_t i = 0; i < menu->count; i++) {
		assert(!verdicts[i].error == !verdicts[i].where.what);
		if (verdicts[i].in_menu)
			check_fields(file, menu, verdicts, &menu->items[i].entry, number++, value,
				scratch);
	}
	assert(number == count + 1);
	for (; number <= UENV_CLEARED; number++)
		check_fields(file, menu, verdicts, NULL, number, value, scratch);

	/* Without its last line the file is not complete. */
	strcpy(value, "");
	size = import(file, UENV_MARK, value, scratch);
	assert(!strcmp(value, "1"));
	cut = strdup(file);
	assert(cut);
	cut[strlen(file) - strlen(UENV_MARK "=1\n")] = '\0';
	strcpy(value, "");
	assert(import(cut, UENV_MARK, value, scratch) == size - 1 && !*value);
	free(cut);
	free(scratch);
	free(value);
}

/* Cuts the next part off the input. */
static size_t take(const uint8_t **data, size_t *size, const char **ret_bytes)
{
	const uint8_t *end = memchr(*data, '\0', *size);
	size_t length = end ? (size_t)(end - *data) : *size;

	*ret_bytes = (const char *)*data;
	*data += length + (end != NULL);
	*size -= length + (end != NULL);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[ENTRIES] = { "ostree-2.conf", "12.conf", "b+0-1.conf" };
	static const struct reporter quiet = { .program = "fuzz" };
	struct text lines = { 0 }, kept = { 0 }, text = { 0 };
	const struct uenv_style style = { .prefix = "/boot", .boot_fd = -1, .lines = &kept };
	struct menu menu = { 0 };
	struct verdict *verdicts;
	const char *bytes;
	size_t length, count;

	for (size_t i = 0; i < ENTRIES; i++) {
		length = take(&data, &size, &bytes);
		assert(menu_add(&menu, names[i], bytes, length) == 0);
	}
	menu_sort(&menu);
	text_add_bytes(&lines, (const char *)data, size);
	if (ownlines_add(&kept, &lines, "lines", &quiet) < 0)
		assert(memchr(data, '\0', size) && !kept.size);
	verdicts = verdict_new(&menu);
	assert(verdicts);
	count = uenv_render(&text, &menu, verdicts, &style);
	assert(!text.failed);
	assert(!count == !text.size);
	if (count) {
		text_add_bytes(&text, "", 1);
		assert(strlen(text.bytes) == text.size - 1);
		check(text.bytes, &menu, verdicts, count);
	}
	text_free(&lines);
	text_free(&kept);
	text_free(&text);
	free(verdicts);
	menu_free(&menu);
	return 0;
}
