/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "uboot/uenv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bls/bootpath.h"
#include "bls/kargs.h"
#include "bls/kernel.h"
#include "bls/words.h"
#include "uboot/crc.h"
#include "uboot/escape.h"

/* In the order of the file. */
enum field { KERNEL, BOOTDIR, RAMDISK, RAMDISKS, FDT, FDTDIR, BOOTARGS, FIELDS };

static const struct {
	const char *name;
	bool ostree; /* libostree's writer has it too */
} fields[FIELDS] = {
	[KERNEL] = { "kernel_image", true },
	[BOOTDIR] = { "bootdir", false },
	[RAMDISK] = { "ramdisk_image", true },
	[RAMDISKS] = { "ramdisk_images", false },
	[FDT] = { "fdt_file", true },
	[FDTDIR] = { "fdtdir", true },
	[BOOTARGS] = { "bootargs", true },
};

/* One entry, before it is written. */
struct record {
	const struct uenv_style *style;
	const struct entry *entry;
	struct verdict *verdict;
	struct text values[FIELDS]; /* as strings; empty for none */
};

/* Adds a path to a field, after any other one. */
static int add_path(struct record *record, enum field field, const struct entry_line *line)
{
	static const char unusable[] = " \t\r\x03'\"\\";
	const char *prefix = record->style->prefix;
	struct text *value = &record->values[field];

	if (prefix[strcspn(prefix, unusable)] || line->value[strcspn(line->value, unusable)])
		return verdict_refuse(record->verdict, -EINVAL, line->number,
			"a U-Boot script cannot use a path with a blank, a quote, a backslash or a byte 3 in it");
	text_print(value, "%s%s%s", value->size ? " " : "", prefix,
		bootpath_below(line->value, prefix));
	return 0;
}

static int add_paths(struct record *record)
{
	static const struct {
		enum entry_key key;
		enum field field;
	} single[] = {
		{ ENTRY_LINUX, KERNEL },
		{ ENTRY_DEVICETREE, FDT },
		{ ENTRY_FDTDIR, FDTDIR },
	};
	const struct entry_line *line = NULL;
	const char *kernel, *slash;
	int err = 0;

	for (size_t i = 0; i < sizeof single / sizeof *single && !err; i++)
		if (record->entry->last[single[i].key])
			err = add_path(record, single[i].field, record->entry->last[single[i].key]);
	if (err < 0)
		return err;
	kernel = record->values[KERNEL].bytes;
	slash = kernel ? memrchr(kernel, '/', record->values[KERNEL].size) : NULL;
	if (slash)
		text_add_bytes(&record->values[BOOTDIR], kernel, (size_t)(slash - kernel) + 1);
	while (!err && (line = entry_next(record->entry, ENTRY_INITRD, line))) {
		if (!record->values[RAMDISK].size)
			err = add_path(record, RAMDISK, line);
		if (!err)
			err = add_path(record, RAMDISKS, line);
	}
	/* A single initrd is only in ramdisk_image. */
	if (record->values[RAMDISKS].size == record->values[RAMDISK].size)
		text_cut(&record->values[RAMDISKS], 0);
	return err;
}

/* Adds the options without stale words; all other bytes stay as they are. */
static void add_kargs(struct record *record, const char *options, const struct kargs *kargs)
{
	struct text *value = &record->values[BOOTARGS];
	size_t from = 0;

	for (size_t i = 0; i < kargs->count; i++) {
		const struct kargs_word *word = &kargs->words[i];

		if (!kargs_drop(record->entry, word, record->verdict))
			continue;
		text_add_bytes(value, options + from, word->start - from);
		/* Also removes one of the two blanks around it. */
		from = word->end;
		if (options[from])
			from++;
		else if (value->size)
			text_cut(value, value->size - 1);
	}
	text_add(value, options + from);
}

static int add_options(struct record *record)
{
	const struct entry_line *line = record->entry->last[ENTRY_OPTIONS];
	struct kargs kargs;

	if (!line)
		return 0;
	if (kargs_split(record->entry->options, &kargs) < 0)
		record->values[BOOTARGS].failed = true;
	else
		add_kargs(record, record->entry->options, &kargs);
	kargs_free(&kargs);
	if (record->values[BOOTARGS].size <=
		kernel_line_max(record->style->boot_fd,
			bootpath_below(
				record->entry->last[ENTRY_LINUX]->value, record->style->prefix),
			entry_value(record->entry, ENTRY_ARCHITECTURE)))
		return 0;
	return verdict_refuse(record->verdict, -E2BIG, line->number,
		"the command line is longer than the kernel accepts");
}

static void warn(struct record *record)
{
	const struct entry_line *overlay = record->entry->last[ENTRY_DEVICETREE_OVERLAY];
	const char *fragile = escape_fragile(record->values[BOOTARGS].bytes);

	if (fragile)
		verdict_warn(record->verdict, record->entry->last[ENTRY_OPTIONS]->number, fragile);
	if (overlay)
		verdict_warn(record->verdict, overlay->number,
			"uEnv.txt has no field for device tree overlays; this entry is in the menu without them");
	if (record->style->ostree && record->values[RAMDISKS].bytes[0])
		verdict_warn(record->verdict, record->entry->last[ENTRY_INITRD]->number,
			"libostree's own fields have no place for a second initrd; this entry boots with the first one");
}

/* True if a field without a value is deleted. A board may set its own device tree before it imports
 * the file, and keeps that if no entry names one. */
static bool is_deleted(const struct uenv_style *style, const struct menu *menu,
	const struct verdict verdicts[], size_t field)
{
	enum entry_key key = field == FDT ? ENTRY_DEVICETREE : ENTRY_FDTDIR;

	if (style->ostree || words_have(style->keep, fields[field].name))
		return false;
	if (field != FDT && field != FDTDIR)
		return true;
	for (size_t i = 0; i < menu->count; i++)
		if (verdicts[i].in_menu && menu->items[i].entry.last[key])
			return true;
	return false;
}

/* Adds the fields of one entry. values is NULL for a number without an entry, whose fields are all
 * deleted. */
static void add_fields(struct text *text, const struct uenv_style *style, const bool deleted[],
	const struct text values[], size_t number)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const char *value = values && values[i].bytes[0] ? values[i].bytes : NULL;
		char name[40];

		if (!value && !deleted[i])
			continue;
		if (style->ostree && !fields[i].ostree)
			continue;
		(void)snprintf(
			name, sizeof name, number > 1 ? "%s%zu" : "%s", fields[i].name, number);
		escape_add(text, name, value);
	}
}

static void add_entry(struct text *text, const struct entry *entry, struct verdict *verdict,
	const struct uenv_style *style, const bool deleted[], size_t number)
{
	struct record record = { .style = style, .entry = entry, .verdict = verdict };
	int err = add_paths(&record);

	if (!err)
		err = add_options(&record);
	for (size_t i = 0; i < FIELDS; i++)
		text->failed |= !text_string(&record.values[i]);
	if (!err && !text->failed) {
		warn(&record);
		add_fields(text, style, deleted, record.values, number);
	}
	for (size_t i = 0; i < FIELDS; i++)
		text_free(&record.values[i]);
}

static void add_end(struct text *text, size_t start)
{
	uint32_t crc = text->failed ? 0 : crc_make(text->bytes + start, text->size - start);
	char value[12];

	(void)snprintf(value, sizeof value, "%02x %02x %02x %02x", crc >> 24, crc >> 16 & 0xff,
		crc >> 8 & 0xff, crc & 0xff);
	escape_add(text, UENV_CRC, value);
	escape_add(text, UENV_MARK, "1");
}

size_t uenv_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct uenv_style *style)
{
	size_t start = text->size, count = 0;
	bool deleted[FIELDS];

	for (size_t i = 0; i < FIELDS; i++)
		deleted[i] = is_deleted(style, menu, verdicts, i);
	if (!style->ostree)
		text_add(text,
			"# Made by ostree-uboot-generator from boot loader entries, and made again at each\n"
			"# deployment. Put your own lines into usr/lib/ostree-boot/uEnv.txt.\n");
	for (size_t i = 0; i < menu->count; i++) {
		if (!verdicts[i].in_menu)
			continue;
		add_entry(text, &menu->items[i].entry, &verdicts[i], style, deleted, count + 1);
		count += verdicts[i].in_menu;
		/* libostree's writer puts the lines here, and an empty line after them. */
		if (style->ostree && count == 1 && verdicts[i].in_menu && style->lines->size) {
			text_add_bytes(text, style->lines->bytes, style->lines->size);
			text_add(text, "\n");
		}
	}
	if (!count && menu->count) {
		text_cut(text, start);
		return 0;
	}
	if (style->ostree)
		return count;
	for (size_t number = count + 1; number <= UENV_CLEARED; number++)
		add_fields(text, style, deleted, NULL, number);
	text_add_bytes(text, style->lines->bytes, style->lines->size);
	add_end(text, start);
	return count;
}

static bool is_name(const char *known, const char *name, size_t length)
{
	return strlen(known) == length && !memcmp(known, name, length);
}

bool uenv_has_field(const char *name, size_t length)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (is_name(fields[i].name, name, length))
			return true;
	return false;
}

bool uenv_owns(const char *name, size_t length)
{
	if (is_name(UENV_MARK, name, length) || is_name(UENV_CRC, name, length))
		return true;
	while (length && name[length - 1] >= '0' && name[length - 1] <= '9')
		length--;
	return uenv_has_field(name, length);
}

/* The value of the last line with the checksum, or NULL. */
static const char *find_crc(const char *start, const char *end)
{
	static const char name[] = "\n" UENV_CRC "=";
	const char *found = NULL;

	while ((start = memmem(start, (size_t)(end - start), name, strlen(name))))
		found = start += strlen(name);
	return found;
}

const char *uenv_damage(const struct text *file)
{
	/* The last two lines, as boot.cmd counts them. */
	enum { VALUE_SIZE = 11, END_SIZE = 49 };
	const char *end = file->bytes + file->size, *value = find_crc(file->bytes, end);
	struct text made = { 0 };
	bool same;

	if (!value)
		return NULL;
	if (file->size > END_SIZE)
		text_add_bytes(&made, file->bytes, file->size - END_SIZE);
	add_end(&made, 0);
	same = !made.failed && made.size == file->size && end - value >= VALUE_SIZE &&
	       !memcmp(value, made.bytes + made.size - (END_SIZE - 16), VALUE_SIZE);
	text_free(&made);
	return same ? NULL
		    : "this menu is not as it was written: its checksum is wrong, and boot.cmd skips it";
}

bool uenv_from_entries(const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);

	/* The checksum also covers lines that do not follow from the entries. */
	return equals && uenv_owns(line, (size_t)(equals - line)) &&
	       !is_name(UENV_CRC, line, (size_t)(equals - line));
}
