/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/kargs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Returns where the last word ends, if the splitter has read up to rest. The splitter writes a NUL
 * over the blank after the word, but also over a closing quote and over the "=" of an empty
 * value. */
static size_t find_end(const char *options, const char *copy, size_t rest)
{
	if (rest && !copy[rest - 1] && options[rest - 1] != '"' && options[rest - 1] != '=')
		return rest - 1;
	return rest;
}

int kargs_split(const char *options, struct kargs *ret_kargs)
{
	struct kargs_word word;
	char *rest;

	*ret_kargs = (struct kargs){ .copy = strdup(options) };
	/* There is at least one byte between two words. */
	ret_kargs->words = calloc(strlen(options) / 2 + 1, sizeof *ret_kargs->words);
	if (!ret_kargs->copy || !ret_kargs->words)
		return -ENOMEM;
	rest = ret_kargs->copy;
	while ((rest = cmdline_next(rest, &word.karg))) {
		word.start = (size_t)(word.karg.name - ret_kargs->copy);
		if (word.start && options[word.start - 1] == '"')
			word.start--;
		word.end = find_end(options, ret_kargs->copy, (size_t)(rest - ret_kargs->copy));
		ret_kargs->words[ret_kargs->count++] = word;
	}
	return 0;
}

const char *kargs_first(const struct kargs *kargs, const char *name)
{
	for (size_t i = 0; i < kargs->count; i++)
		if (kargs->words[i].karg.value && !strcmp(kargs->words[i].karg.name, name))
			return kargs->words[i].karg.value;
	return NULL;
}

/* True for "$name" and "${name}". */
static bool is_variable(const struct karg *karg)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	const char *name = karg->name;
	bool braces = name[0] == '$' && name[1] == '{';
	size_t length;

	if (karg->value || name[0] != '$')
		return false;
	name += braces ? 2 : 1;
	length = strspn(name, letters);
	return length && !(name[0] >= '0' && name[0] <= '9') &&
	       !strcmp(name + length, braces ? "}" : "");
}

bool kargs_drop(const struct entry *entry, const struct kargs_word *word, struct verdict *verdict)
{
	if (is_variable(&word->karg))
		verdict_warn(verdict, entry_options_line(entry, word->start),
			"the kernel gets $name as it is written: only a GRUB that reads the entries itself (blscfg) has a value for it; replace it with the words that it stands for");
	if (!entry->last[ENTRY_INITRD] || !word->karg.value ||
		strcmp(word->karg.name, "init") != 0 ||
		!cmdline_names_prepare_root(word->karg.value))
		return false;
	verdict_warn(verdict, entry_options_line(entry, word->start),
		"init= starts ostree-prepare-root, which the initramfs does; this word is left out");
	return true;
}

void kargs_free(struct kargs *kargs)
{
	free(kargs->copy);
	free(kargs->words);
	*kargs = (struct kargs){ 0 };
}
