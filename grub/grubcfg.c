/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/grubcfg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "grub/quote.h"
#include "grub/title.h"

/* How the name of the menu's function begins. */
#define FUNCTION "rootstock_"

static void add_numbers(struct text *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		text_print(text, "%s%zu", i == from ? "" : " ", i);
	}
}

/* Adds a command and the words of a setting. */
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
	text_print(text, "set %s=", name);
	quote_add(text, value);
	text_add(text, "\n");
}

static void add_settings(struct text *text, const struct grubcfg_style *style)
{
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

static void add_fallback(struct text *text, size_t count)
{
	text_add(text, "set fallback='");
	add_numbers(text, 1, count);
	text_add(text, "'\n"
		       "if [ \"$1\" = menuentry -a -f \"$prefix/custom.cfg\" ]; then\n"
		       "\tsource \"$prefix/custom.cfg\"\n"
		       "fi\n"
		       "\n"
		       "# If another entry is the default, fall back to the first one too.\n"
		       "if [ \"$default\" != 0 -a \"$fallback\" = '");
	add_numbers(text, 1, count);
	text_add(text, "' ]; then\n\tset fallback='");
	add_numbers(text, 0, count);
	text_add(text, "'\nfi\n");
}

/* FNV-1a: good enough, because only two menus of one machine must not have the same hash. */
static uint64_t hash(const struct text *text)
{
	uint64_t value = 0xcbf29ce484222325;

	for (size_t i = 0; i < text->size; i++)
		value = (value ^ (unsigned char)text->bytes[i]) * 0x100000001b3;
	return value;
}

/*
 * Adds the commands as a function and its call, so that an incomplete file adds no entry. GRUB runs
 * a file line by line, but a function only after it was read to its closing brace, so a file that
 * ends earlier does nothing. If the file goes on with the end of another menu, the name called
 * there is not this function's, because it is a hash of the content. If the call is cut, the
 * argument is missing that makes the entries.
 */
static void add_whole(struct text *text, const struct text *commands)
{
	char name[40];

	(void)snprintf(name, sizeof name, FUNCTION "%016" PRIx64, hash(commands));
	text_add(text,
		"# Made by ostree-grub-generator from boot loader entries, and made again at each\n"
		"# deployment. Put your own settings and entries into custom.cfg beside GRUB's modules,\n"
		"# which is read last.\n"
		"\n"
		"function ");
	text_add(text, name);
	text_add(text, " {\n");
	text_add_bytes(text, commands->bytes, commands->size);
	text_add(text, "}\n");
	text_add(text, name);
	text_add(text, " menuentry\n" GRUBCFG_MARK);
}

/* Adds the bodies of all entries, and sets where each ends. An item that is not in the menu adds
 * nothing. */
static void add_bodies(struct text *bodies, const struct menu *menu, struct verdict verdicts[],
	const struct grubcfg_style *style, size_t ret_ends[])
{
	for (size_t i = 0; i < menu->count; i++) {
		size_t before = bodies->size;

		if (verdicts[i].in_menu && menuentry_add_body(bodies, &menu->items[i], &verdicts[i],
						   &style->rules) < 0)
			text_cut(bodies, before);
		ret_ends[i] = bodies->size;
	}
}

/* Titles are made unique among the entries in the menu, so the bodies must come first. */
static size_t add_entries(struct text *text, const struct menu *menu,
	const struct verdict verdicts[], const struct text *bodies, const size_t ends[])
{
	char *titles[MENU_ENTRIES_MAX];
	size_t count = 0;

	/* Called in any case, because the titles are freed below. */
	if (title_make(menu, verdicts, titles) < 0 || bodies->failed)
		text->failed = true;
	for (size_t i = 0; i < menu->count && !text->failed; i++) {
		size_t start = i ? ends[i - 1] : 0;

		if (!titles[i])
			continue;
		menuentry_add_head(text, &menu->items[i], titles[i]);
		text_add_bytes(text, bodies->bytes + start, ends[i] - start);
		count++;
	}
	title_free(titles, menu->count);
	return count;
}

size_t grubcfg_render(struct text *text, const struct menu *menu, struct verdict verdicts[],
	const struct grubcfg_style *style)
{
	size_t count, ends[MENU_ENTRIES_MAX];
	struct text bodies = { 0 }, commands = { 0 };

	add_bodies(&bodies, menu, verdicts, style, ends);
	add_settings(&commands, style);
	count = add_entries(&commands, menu, verdicts, &bodies, ends);
	add_fallback(&commands, count);
	if (commands.failed)
		text->failed = true;
	else if (count || !menu->count)
		add_whole(text, &commands);
	text_free(&bodies);
	text_free(&commands);
	return count;
}

/* Skips what GRUB's shell takes literally: a quoted text, an escaped byte, a comment, ${name}. Returns
 * the last byte of it, or NULL if it does not end. */
static const char *skip(const char *at, const char *start, const char *end)
{
	const char quote = *at;

	if (*at == '$' && at + 1 < end && at[1] == '{')
		return memchr(at, '}', (size_t)(end - at));
	if (*at == '\\')
		return at + 1 < end ? at + 1 : NULL;
	if (*at == '\'')
		return memchr(at + 1, '\'', (size_t)(end - at - 1));
	if (*at == '#' && (at == start || strchr(" \t\n;{}", at[-1])))
		return memchr(at, '\n', (size_t)(end - at));
	if (*at != '"')
		return at;
	while (++at < end && *at != quote)
		at += *at == '\\';
	return at < end ? at : NULL;
}

static bool is_balanced(const struct text *file)
{
	const char *end = file->bytes + file->size;
	size_t depth = 0;

	for (const char *at = file->bytes; at < end; at++) {
		const char *last = skip(at, file->bytes, end);

		if (!last)
			return false;
		if (last == at && *at == '{')
			depth++;
		else if (last == at && *at == '}' && !depth--)
			return false;
		at = last;
	}
	return !depth;
}

/* A line that begins with this, up to the next blank; sets its beginning. */
static size_t find_name(const struct text *file, const char *line, const char **ret_name)
{
	const char *end = file->bytes + file->size;
	const char *found = memmem(file->bytes, file->size, line, strlen(line));
	const char *blank;

	if (!found)
		return 0;
	found = memmem(found, (size_t)(end - found), FUNCTION, strlen(FUNCTION));
	*ret_name = found;
	blank = memchr(found, ' ', (size_t)(end - found));
	return blank ? (size_t)(blank - found) : 0;
}

const char *grubcfg_damage(const struct text *file)
{
	const char *defined, *called;
	size_t length = find_name(file, "\nfunction " FUNCTION, &defined);

	if (length && (find_name(file, "\n" FUNCTION, &called) != length ||
			      memcmp(defined, called, length) != 0))
		return "this menu has parts of two, and GRUB gets no entry from it";
	if (!is_balanced(file))
		return "a brace or a quote is missing in this menu, and GRUB gets no entry from it";
	return NULL;
}

static bool is_closed(const char *line, size_t length)
{
	for (const char *at = line, *end = line + length; at < end; at++)
		if (*at != '#' && !(at = skip(at, line, end)))
			return false;
	return true;
}

/* What follows from settings, and what has a checksum of everything in it. A setting whose quote is
 * missing would take in what follows. */
bool grubcfg_from_entries(const char *line, size_t length)
{
	static const char *const others[] = { "#", "function ", FUNCTION,
		"set default=", "set timeout=", "serial ", "terminal_", "search " };

	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (length >= strlen(others[i]) && !memcmp(line, others[i], strlen(others[i])))
			return *line != '#' && !is_closed(line, length);
	return length;
}
