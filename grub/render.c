/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/render.h"

#include "grub/ident.h"
#include "grub/quote.h"
#include "grub/title.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 * line_max is COMMAND_LINE_SIZE of the kernel less the NUL. GRUB for BIOS drops what does not fit,
 * word by word and without a message; the others leave the cut to the kernel. The names are those
 * of UEFI, the test is for GRUB's name of the processor (a 64-bit PC may well run a 32-bit GRUB),
 * and the last line is for entries that do not say.
 */
static const struct architecture {
	const char *name;
	size_t line_max;
	const char *test;
} architectures[] = {
	{ "x64", 2047, "( \"$grub_cpu\" = x86_64 -o \"$grub_cpu\" = i386 ) -a " },
	{ "ia32", 2047, "\"$grub_cpu\" = i386 -a " },
	{ "aa64", 2047, "\"$grub_cpu\" = arm64 -a " },
	{ "arm", 1023, "\"$grub_cpu\" = arm -a " },
	{ NULL, 2047, "" },
};

struct job {
	struct text *text;
	struct text *scratch;
	const struct entry *entry;
	const char *prefix;
	const struct architecture *architecture;
	struct where where;
};

static int blame(struct job *job, int error, unsigned line, const char *what)
{
	job->where = (struct where){ line, what };
	return error;
}

static int find_architecture(struct job *job)
{
	const struct entry_line *line = job->entry->last[ENTRY_ARCHITECTURE];

	job->architecture = architectures;
	while (job->architecture->name &&
		(!line || strcasecmp(line->value, job->architecture->name)))
		job->architecture++;
	if (line && !job->architecture->name)
		return blame(job, -EINVAL, line->number,
			"this architecture is none of x64, ia32, aa64 and arm");
	return 0;
}

/* True when the path begins with the prefix anyway (libostree's sysroot.bootprefix). */
static bool has_prefix(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return !strncmp(path, prefix, length) && path[length] == '/';
}

/* What the scratch holds, as a string that lasts until the scratch is used again. */
static char *finish_scratch(struct job *job)
{
	text_add_bytes(job->scratch, "", 1);
	if (!job->scratch->failed)
		return job->scratch->bytes;
	job->text->failed = true;
	return NULL;
}

static const char *make_path(struct job *job, const struct entry_line *line)
{
	text_cut(job->scratch, 0);
	if (!has_prefix(line->value, job->prefix))
		text_add(job->scratch, job->prefix);
	text_add(job->scratch, line->value);
	return finish_scratch(job);
}

/* Adds before, and the path of a file quoted. */
static int add_path(struct job *job, const char *before, const struct entry_line *line)
{
	const char *path = make_path(job, line);

	if (!path)
		return -ENOMEM;
	/* GRUB's test takes what precedes a ")" for a device; its reader drops CR. */
	if (path[strcspn(path, ")\r\n")])
		return blame(job, -EINVAL, line->number,
			"GRUB cannot use a path with \")\" or a line end in it");
	text_add(job->text, before);
	quote_add(job->text, path);
	return 0;
}

/*
 * The condition for booting the entry: this machine, and all files there. A test that GRUB does not
 * know counts as passed (seen with 2.06), so where the module is missing the entry still boots.
 */
static int add_condition(struct job *job)
{
	static const enum entry_key needed[] = { ENTRY_LINUX, ENTRY_INITRD, ENTRY_DEVICETREE };
	const char *before = "-f ";
	int r;

	text_add(job->text, "\tif [ ");
	text_add(job->text, job->architecture->test);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		const struct entry_line *line = NULL;

		while ((line = entry_next(job->entry, needed[i], line))) {
			if (needed[i] != ENTRY_INITRD && line != job->entry->last[needed[i]])
				continue;
			r = add_path(job, before, line);
			if (r < 0)
				return r;
			before = " -a -f ";
		}
	}
	text_add(job->text, " ]; then\n");
	return 0;
}

/* Adds the words of all options, and keeps account of the line that GRUB will make of them. */
static int add_words(struct job *job, size_t line_length)
{
	const struct entry_line *line = NULL;
	char word[ENTRY_SIZE_MAX + 1];

	while ((line = entry_next(job->entry, ENTRY_OPTIONS, line))) {
		const char *rest = line->value, *what;
		int r;

		while ((r = quote_next(&rest, word, &what)) > 0) {
			line_length += 1 + quote_length(word);
			if (line_length > job->architecture->line_max)
				return blame(job, -E2BIG, line->number,
					"the command line is longer than the kernel takes");
			text_add(job->text, " ");
			quote_add(job->text, word);
		}
		if (r < 0)
			return blame(job, r, line->number, what);
	}
	return 0;
}

/* GRUB puts BOOT_IMAGE= and the path before the options, so the path must be a word as they are. */
static int add_linux(struct job *job)
{
	const struct entry_line *line = job->entry->last[ENTRY_LINUX];
	const char *path = make_path(job, line);
	int r;

	if (!path)
		return -ENOMEM;
	if (path[strcspn(path, "\"'\\\t\v\f\xa0")])
		return blame(job, -EINVAL, line->number,
			"GRUB cannot pass on a kernel path with a quote, a backslash or a blank "
			"other than \" \" in it");
	text_add(job->text, "\t\tlinux ");
	quote_add(job->text, path);
	r = add_words(job, strlen("BOOT_IMAGE=") + quote_length(path));
	text_add(job->text, "\n");
	return r;
}

/* One command for all, because a second one would take the place of the first. */
static int add_initrds(struct job *job)
{
	const struct entry_line *line = NULL;
	const char *before = "\t\tinitrd ";
	int r;

	while ((line = entry_next(job->entry, ENTRY_INITRD, line))) {
		r = add_path(job, before, line);
		if (r < 0)
			return r;
		before = " ";
	}
	if (job->entry->last[ENTRY_INITRD])
		text_add(job->text, "\n");
	return 0;
}

/* GRUB for PCs has no devicetree command. */
static int add_devicetree(struct job *job)
{
	const struct entry_line *line = job->entry->last[ENTRY_DEVICETREE];
	int r;

	if (!line)
		return 0;
	text_add(job->text, "\t\tif [ \"$grub_cpu\" != i386 -a \"$grub_cpu\" != x86_64 ]; then\n");
	r = add_path(job, "\t\t\tdevicetree ", line);
	text_add(job->text, "\n\t\tfi\n");
	return r;
}

static void add_head_of_entry(struct job *job, const struct menu_item *item, const char *title)
{
	const char *ident;

	text_cut(job->scratch, 0);
	ident_add(job->scratch, item);
	ident = finish_scratch(job);
	if (!ident)
		return;
	text_add(job->text, "menuentry --id ");
	quote_add(job->text, ident);
	/* Without "--" a title like "--id" would be taken for an option. */
	text_add(job->text, " --unrestricted -- ");
	quote_add(job->text, title);
	text_add(job->text, " {\n");
}

static int add_body_of_entry(struct job *job)
{
	int r = find_architecture(job);

	if (!r)
		r = add_condition(job);
	if (!r)
		r = add_linux(job);
	if (!r)
		r = add_devicetree(job);
	if (!r)
		r = add_initrds(job);
	text_add(job->text,
		"\telse\n"
		"\t\techo 'This entry is not for this machine, or a file of it is missing.'\n"
		"\tfi\n}\n\n");
	return r;
}

/* Adds an item that is to be in the menu; without a title it is only tried, for its error. */
static void add_entry(struct text *text, struct text *scratch, struct menu_item *item,
	const char *prefix, const char *title)
{
	struct job job = {
		.text = text,
		.scratch = scratch,
		.entry = &item->entry,
		.prefix = prefix,
	};
	size_t before = text->size;

	if (title)
		add_head_of_entry(&job, item, title);
	item->error = add_body_of_entry(&job);
	item->where = job.where;
	if (!title)
		text_cut(text, before);
}

static void add_numbers(struct text *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		char number[24];

		(void)snprintf(number, sizeof(number), "%s%zu", i == from ? "" : " ", i);
		text_add(text, number);
	}
}

static void add_head(struct text *text)
{
	text_add(text, "# Made by ostree-grub-generator out of boot loader entries, and made anew "
		       "with each\n"
		       "# deployment. Settings and entries of your own belong into custom.cfg "
		       "beside GRUB's\n"
		       "# modules: it is read at the end and has the last word.\n"
		       "\n"
		       "set default=0\n"
		       "set timeout=5\n"
		       "\n");
}

static void add_tail(struct text *text, size_t count)
{
	text_add(text, "set fallback='");
	add_numbers(text, 1, count);
	text_add(text, "'\n"
		       "if [ -f \"$prefix/custom.cfg\" ]; then\n"
		       "\tsource \"$prefix/custom.cfg\"\n"
		       "fi\n"
		       "\n"
		       "# Behind an entry that was chosen the first one too is worth trying.\n"
		       "if [ \"$default\" != 0 -a \"$fallback\" = '");
	add_numbers(text, 1, count);
	text_add(text, "' ]; then\n\tset fallback='");
	add_numbers(text, 0, count);
	text_add(text, "'\nfi\n\n" RENDER_MARK);
}

size_t render_menu(struct text *text, struct menu *menu, const char *prefix)
{
	size_t start = text->size, count = 0;
	struct text scratch = { 0 };
	char *titles[MENU_ENTRIES_MAX];

	/* All are tried first: only what gets into the menu has a part in whose title is unique. */
	for (size_t i = 0; i < menu->count; i++)
		if (!menu->items[i].error && !menu_hidden(&menu->items[i]))
			add_entry(text, &scratch, &menu->items[i], prefix, NULL);
	if (title_make(menu, titles) < 0)
		text->failed = true;
	add_head(text);
	for (size_t i = 0; i < menu->count && !text->failed; i++) {
		if (!titles[i])
			continue;
		add_entry(text, &scratch, &menu->items[i], prefix, titles[i]);
		count++;
	}
	if (count)
		add_tail(text, count);
	else
		text_cut(text, start);
	title_free(titles, menu->count);
	text_free(&scratch);
	return count;
}
