/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as entries: the kernel finds the same words through GRUB as in the entry's options.
 *
 * The rendered linux line is read as by GRUB's shell, turned into a command line as by GRUB's linux
 * command, and split as by the kernel. That must give the names and values that the kernel would
 * find in the options themselves. The three readers here are written from the descriptions in
 * quote.h and share no code with the tested program.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grub/ident.h"
#include "grub/grubcfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The kernel's isspace(). */
static bool is_space(char c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == '\xa0';
}

/* Splits like next_arg of the kernel; the return value and *value are NULL at the end. */
static char *kernel_word(char **rest, char **value)
{
	char *word = *rest, *end;
	bool quoted = false, whole = false;
	size_t equals = 0, i = 0;

	while (is_space(*word))
		word++;
	*value = NULL;
	if (!*word)
		return NULL;
	if (*word == '"') {
		word++;
		quoted = whole = true;
	}
	for (; word[i] && (quoted || !is_space(word[i])); i++) {
		if (!equals && word[i] == '=')
			equals = i;
		if (word[i] == '"')
			quoted = !quoted;
	}
	end = word + i;
	*rest = end + (*end != '\0');
	*end = '\0';
	if (equals) {
		word[equals] = '\0';
		*value = word + equals + 1;
		if (**value == '"') {
			(*value)++;
			if (end[-1] == '"')
				end[-1] = '\0';
		}
	}
	if (whole && end > word && end[-1] == '"')
		end[-1] = '\0';
	return word;
}

/* Reads one single-quoted word as GRUB's shell does; returns the rest of the text. */
static const char *shell_word(const char *text, char *word)
{
	assert(*text == '\'');
	for (;;) {
		const char *end = strchr(++text, '\'');

		assert(end);
		memcpy(word, text, (size_t)(end - text));
		word += end - text;
		text = end + 1;
		if (strncmp(text, "\\''", 3) != 0)
			break;
		*word++ = '\'';
		text += 2;
	}
	*word = '\0';
	return text;
}

/* Returns GRUB's command line of the words of a linux line that ends in LF. */
static char *grub_line(const char *words)
{
	char *line = calloc(3, strlen(words) + 16), *word = malloc(strlen(words) + 1), *end = line;

	assert(line && word);
	end = stpcpy(end, "BOOT_IMAGE=");
	while (*words != '\n') {
		bool blank;

		words = shell_word(words, word);
		blank = strchr(word, ' ');
		end = stpcpy(end, blank ? "\"" : "");
		for (const char *c = word; *c; c++) {
			assert(*c != '\r' && *c != '\n');
			if (strchr("\\'\"", *c))
				*end++ = '\\';
			*end++ = *c;
		}
		end = stpcpy(end, blank ? "\" " : " ");
		words += *words == ' ';
	}
	end[-1] = '\0';
	free(word);
	return line;
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Whether the generator drops this word: in an entry with an initrd an init= that starts
 * ostree-prepare-root. */
static bool is_dropped(const struct entry *entry, const char *name, const char *value)
{
	const char *end = value ? strrchr(value, '/') : NULL;

	return end && name && !strcmp(name, "init") && !strcmp(end, "/ostree-prepare-root") &&
	       entry->last[ENTRY_INITRD];
}

static void check_line(const char *words, const struct entry *entry)
{
	char *line = grub_line(words), *options = strdup(entry->options);
	char *ours = line, *theirs = options;
	char *name, *value;
	bool for_init = false;

	assert(options);
	assert(strlen(line) <= 2047);
	name = kernel_word(&ours, &value);
	assert(name && !strcmp(name, "BOOT_IMAGE"));
	assert(value && strstr(value, entry_value(entry, ENTRY_LINUX)));
	do {
		char *expected_value, *expected = kernel_word(&theirs, &expected_value);

		while (!for_init && is_dropped(entry, expected, expected_value))
			expected = kernel_word(&theirs, &expected_value);
		for_init |= expected && !expected_value && !strcmp(expected, "--");
		name = kernel_word(&ours, &value);
		assert(same(name, expected) && same(value, expected_value));
	} while (name);
	free(line);
	free(options);
}

static void check(
	const char *cfg, const struct menu *menu, const struct verdict verdicts[], size_t count)
{
	const char *line = cfg;

	for (size_t i = 0; i < menu->count; i++) {
		assert(!verdicts[i].error == !verdicts[i].where.what);
		if (!verdicts[i].in_menu)
			continue;
		line = strstr(line, "\n\t\tlinux ");
		assert(line);
		line += strlen("\n\t\tlinux ");
		check_line(line, &menu->items[i].entry);
		count--;
	}
	assert(!count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "ostree-2.conf", "12.conf", "b+0-1.conf" };
	static const struct grubcfg_style style = { .rules = { "/boot", -1, false } };
	struct menu menu = { 0 };
	struct verdict *verdicts;
	struct text text = { 0 };
	size_t count;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const uint8_t *end = memchr(data, '\0', size);
		size_t length = end ? (size_t)(end - data) : size;

		assert(menu_add(&menu, names[i], (const char *)data, length) == 0);
		size -= length + (end != NULL);
		data += length + (end != NULL);
	}
	menu_sort(&menu);
	verdicts = verdict_new(&menu);
	assert(verdicts);
	count = grubcfg_render(&text, &menu, verdicts, &style);
	assert(!text.failed);
	if (count) {
		text_add_bytes(&text, "", 1);
		assert(strlen(text.bytes) == text.size - 1);
		check(text.bytes, &menu, verdicts, count);
	} else {
		assert(!text.size);
	}
	text_free(&text);
	free(verdicts);
	menu_free(&menu);
	return 0;
}
