/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/render.h"

#include "grub/quote.h"
#include "grub/title.h"

#include <stdio.h>
#include <string.h>

static void add_numbers(struct text *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		char number[24];

		(void)snprintf(number, sizeof(number), "%s%zu", i == from ? "" : " ", i);
		text_add(text, number);
	}
}

/* Adds a command with the blank-separated words of a setting behind it. */
static void add_command(struct text *text, const char *command, const char *words)
{
	char word[ENTRY_SIZE_MAX + 1];
	const char *what;

	if (!words)
		return;
	text_add(text, command);
	while (quote_next(&words, word, &what)) {
		text_add(text, " ");
		quote_add(text, word);
	}
	text_add(text, "\n");
}

static void add_setting(struct text *text, const char *name, const char *value)
{
	text_add(text, "set ");
	text_add(text, name);
	text_add(text, "=");
	quote_add(text, value);
	text_add(text, "\n");
}

static void add_head(struct text *text, const struct render_style *style)
{
	text_add(text, "# Made by ostree-grub-generator out of boot loader entries, and made anew "
		       "with each\n"
		       "# deployment. Settings and entries of your own belong into custom.cfg "
		       "beside GRUB's\n"
		       "# modules: it is read at the end and has the last word.\n"
		       "\n");
	add_setting(text, "default", style->chosen ? style->chosen : "0");
	add_setting(text, "timeout", style->timeout ? style->timeout : "5");
	add_command(text, "serial", style->serial);
	add_command(text, "terminal_input", style->terminal);
	add_command(text, "terminal_output", style->terminal);
	if (style->uuid) {
		text_add(text, "search --no-floppy --fs-uuid --set=root ");
		quote_add(text, style->uuid);
		text_add(text, "\n");
	}
	text_add(text, "\n");
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

size_t render_menu(struct text *text, struct menu *menu, const struct render_style *style)
{
	size_t start = text->size, count = 0;
	struct text scratch = { 0 };
	char *titles[MENU_ENTRIES_MAX];

	/* All are tried first: only what gets into the menu has a part in whose title is unique. */
	for (size_t i = 0; i < menu->count; i++) {
		struct menu_item *item = &menu->items[i];

		if (!item->error && !menu_hidden(item))
			(void)menuentry_add(text, item, "", &style->rules, &scratch);
		text_cut(text, start);
	}
	if (title_make(menu, titles) < 0)
		text->failed = true;
	add_head(text, style);
	for (size_t i = 0; i < menu->count && !text->failed; i++) {
		if (!titles[i])
			continue;
		(void)menuentry_add(text, &menu->items[i], titles[i], &style->rules, &scratch);
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
