/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/menuentry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bls/bootpath.h"
#include "bls/kargs.h"
#include "bls/kernel.h"
#include "grub/ident.h"
#include "grub/quote.h"

/* The names are UEFI's; the tests use GRUB's name of the processor (a 64-bit PC may run a 32-bit
 * GRUB). The last line is for entries without an architecture. */
static const struct architecture {
	const char *name;
	const char *test;
} architectures[] = {
	{ "x64", "( \"$grub_cpu\" = x86_64 -o \"$grub_cpu\" = i386 ) -a " },
	{ "ia32", "\"$grub_cpu\" = i386 -a " },
	{ "aa64", "\"$grub_cpu\" = arm64 -a " },
	{ "arm", "\"$grub_cpu\" = arm -a " },
	{ NULL, "" },
};

struct body {
	struct text *text;
	const struct entry *entry;
	struct verdict *verdict;
	const struct menuentry_rules *rules;
	const struct architecture *architecture;
};
static int find_architecture(struct body *body)
{
	const struct entry_line *line = body->entry->last[ENTRY_ARCHITECTURE];

	body->architecture = architectures;
	while (body->architecture->name &&
		(!line || strcasecmp(line->value, body->architecture->name)))
		body->architecture++;
	if (line && !body->architecture->name)
		return verdict_refuse(body->verdict, -EINVAL, line->number,
			"this architecture is not x64, ia32, aa64 or arm");
	return 0;
}

/* The path of a file, to be freed; NULL without memory. */
static char *make_path(const struct body *body, const struct entry_line *line)
{
	char *path = bootpath_make(line->value, body->rules->prefix);

	body->text->failed |= !path;
	return path;
}

/* Adds before, then the path of a file in quotes. */
static int add_path(struct body *body, const char *before, const struct entry_line *line)
{
	char *path = make_path(body, line);
	int err = path ? 0 : -ENOMEM;

	/* GRUB's test reads what precedes a ")" as a device; its reader drops CR. */
	if (path && path[strcspn(path, ")\r\n")])
		err = verdict_refuse(body->verdict, -EINVAL, line->number,
			"GRUB cannot use a path with \")\" or a line end in it");
	if (!err) {
		text_add(body->text, before);
		quote_add(body->text, path);
	}
	free(path);
	return err;
}

/* The condition for booting the entry: it is for this machine, and no file is missing or empty. A
 * loss of power while libostree removes a file can leave it empty, and GRUB would start the kernel
 * with an empty initramfs. A test that GRUB does not know passes (seen with 2.06), so without the
 * module the entry still boots. */
static int add_condition(struct body *body)
{
	static const enum entry_key needed[] = { ENTRY_LINUX, ENTRY_INITRD, ENTRY_DEVICETREE };
	const char *before = "-s ";
	int err;

	text_add(body->text, "\tif [ ");
	text_add(body->text, body->architecture->test);
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		const struct entry_line *line = NULL;

		while ((line = entry_next(body->entry, needed[i], line))) {
			if (needed[i] != ENTRY_INITRD && line != body->entry->last[needed[i]])
				continue;
			err = add_path(body, before, line);
			if (err < 0)
				return err;
			before = " -a -s ";
		}
	}
	text_add(body->text, " ]; then\n");
	return 0;
}

/* Overwrites words that must not be passed on with blanks. */
static int drop_words(struct body *body, char *options)
{
	struct kargs kargs;
	int err = kargs_split(options, &kargs);

	for (size_t i = 0; !err && i < kargs.count; i++)
		if (kargs_drop(body->entry, &kargs.words[i], body->verdict))
			memset(options + kargs.words[i].start, ' ',
				kargs.words[i].end - kargs.words[i].start);
	kargs_free(&kargs);
	return err;
}

/* Adds the word that ends at a place in the options. what is why GRUB cannot pass it on, or
 * NULL. */
static int add_word(struct body *body, size_t place, const char *word, const char *what)
{
	if (what && !body->rules->allow_lossy) {
		body->verdict->remedy =
			"to pass it on changed, set allow-lossy=yes in grub.conf, or use --allow-lossy";
		return verdict_refuse(
			body->verdict, -EINVAL, entry_options_line(body->entry, place), what);
	}
	if (what)
		verdict_warn(body->verdict, entry_options_line(body->entry, place), what);
	text_add(body->text, " ");
	quote_add(body->text, word);
	return 0;
}

/* Adds all words, and counts the length of the command line that GRUB will make of them. */
static int add_words(struct body *body, char *options, size_t line_length)
{
	size_t line_max = kernel_line_max(body->rules->boot_fd,
		bootpath_below(body->entry->last[ENTRY_LINUX]->value, body->rules->prefix),
		entry_value(body->entry, ENTRY_ARCHITECTURE));
	const char *rest = options, *what;
	char word[ENTRY_SIZE_MAX + 1];
	int err = drop_words(body, options);

	while (!err && quote_next(&rest, word, &what)) {
		size_t place = (size_t)(rest - options) - 1;

		err = add_word(body, place, word, what);
		line_length += 1 + quote_length(word);
		if (!err && line_length > line_max)
			err = verdict_refuse(body->verdict, -E2BIG,
				entry_options_line(body->entry, place),
				"the command line is longer than the kernel accepts");
	}
	return err;
}

/* GRUB puts BOOT_IMAGE=PATH before the options, so the path must be a word that it can pass on. */
static int add_linux(struct body *body)
{
	const struct entry_line *line = body->entry->last[ENTRY_LINUX];
	char *path = make_path(body, line), *options = strdup(body->entry->options);
	int err = path && options ? 0 : -ENOMEM;

	if (!err && path[strcspn(path, "\"'\\\t\v\f\xa0")])
		err = verdict_refuse(body->verdict, -EINVAL, line->number,
			"GRUB cannot pass on a kernel path with a quote, a backslash or a blank other than \" \" in it");
	if (!err) {
		text_add(body->text, "\t\tlinux ");
		quote_add(body->text, path);
		err = add_words(body, options, strlen("BOOT_IMAGE=") + quote_length(path));
		text_add(body->text, "\n");
	}
	body->text->failed |= err == -ENOMEM;
	free(path);
	free(options);
	return err;
}

/* One command for all: a second one would replace the first. */
static int add_initrds(struct body *body)
{
	const struct entry_line *line = NULL;
	const char *before = "\t\tinitrd ";
	int err;

	while ((line = entry_next(body->entry, ENTRY_INITRD, line))) {
		err = add_path(body, before, line);
		if (err < 0)
			return err;
		before = " ";
	}
	if (body->entry->last[ENTRY_INITRD])
		text_add(body->text, "\n");
	return 0;
}

/* GRUB for PCs has no devicetree command. */
static int add_devicetree(struct body *body)
{
	const struct entry_line *line = body->entry->last[ENTRY_DEVICETREE];
	int err;

	if (!line)
		return 0;
	text_add(body->text, "\t\tif [ \"$grub_cpu\" != i386 -a \"$grub_cpu\" != x86_64 ]; then\n");
	err = add_path(body, "\t\t\tdevicetree ", line);
	text_add(body->text, "\n\t\tfi\n");
	return err;
}

void menuentry_add_head(struct text *text, const struct menu_item *item, const char *title)
{
	char *ident = ident_make(item);

	text->failed |= !ident;
	text_add(text, MENUENTRY);
	quote_add(text, ident ? ident : "");
	/* Without "--" a title like "--id" would be an option. */
	text_add(text, " --unrestricted -- ");
	quote_add(text, title);
	text_add(text, " {\n");
	free(ident);
}

static int add_all(struct body *body)
{
	int err = find_architecture(body);

	if (!err)
		err = add_condition(body);
	if (!err)
		err = add_linux(body);
	if (!err)
		err = add_devicetree(body);
	if (!err)
		err = add_initrds(body);
	text_add(body->text,
		"\telse\n"
		"\t\techo 'This entry is not for this machine, or one of its files is missing.'\n"
		"\tfi\n}\n\n");
	return err;
}

int menuentry_add_body(struct text *text, const struct menu_item *item, struct verdict *verdict,
	const struct menuentry_rules *rules)
{
	static const char overlay[] =
		"GRUB cannot apply device tree overlays; this entry is in the menu without them";
	struct body body = {
		.text = text,
		.entry = &item->entry,
		.verdict = verdict,
		.rules = rules,
	};

	if (item->entry.last[ENTRY_DEVICETREE_OVERLAY])
		verdict_warn(verdict, item->entry.last[ENTRY_DEVICETREE_OVERLAY]->number, overlay);
	return add_all(&body);
}
