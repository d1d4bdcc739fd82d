/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/cmdline.h"

#include <string.h>

/* As the kernel's isspace(), for which 0xa0 is a space, even as a byte of a UTF-8 letter. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (unsigned char)c == 0xa0;
}

char *cmdline_next(char *rest, struct karg *ret_karg)
{
	char *word, *end, *equals = NULL;
	bool quoted, inside;

	while (is_blank(*rest))
		rest++;
	if (!*rest)
		return NULL;
	quoted = inside = *rest == '"';
	word = rest + quoted;
	for (end = word; *end && (inside || !is_blank(*end)); end++) {
		if (*end == '=' && !equals && end > word)
			equals = end;
		if (*end == '"')
			inside = !inside;
	}
	rest = *end ? end + 1 : end;
	*end = 0;

	*ret_karg = (struct karg){ .name = word };
	if (equals) {
		*equals = 0;
		ret_karg->value = equals + 1;
		if (*ret_karg->value == '"') {
			ret_karg->value++;
			quoted = true;
		}
	}
	if (quoted && end > word && end[-1] == '"')
		end[-1] = 0;
	return ret_karg->value || strcmp(ret_karg->name, "--") ? rest : NULL;
}

void cmdline_cut(char *text)
{
	char *last = text;
	bool inside = false;

	for (char *c = text; *c; c++) {
		if (*c == '"')
			inside = !inside;
		else if (is_blank(*c) && !inside)
			last = c;
	}
	*last = 0;
}

bool cmdline_names_prepare_root(const char *init)
{
	static const char name[] = "/ostree-prepare-root";
	size_t len = strlen(init);

	return len >= sizeof name - 1 && !strcmp(init + len - (sizeof name - 1), name);
}

void cmdline_parse(char *text, struct cmdline *ret_cmdline)
{
	static const struct {
		const char *name;
		size_t field;
		bool last_wins;
	} known[] = {
		{ "ostree", offsetof(struct cmdline, ostree), false },
		{ "androidboot.slot_suffix", offsetof(struct cmdline, slot), false },
		{ CMDLINE_COMPOSEFS, offsetof(struct cmdline, composefs), false },
		{ CMDLINE_OT_COMPOSEFS, offsetof(struct cmdline, ot_composefs), false },
		{ "init", offsetof(struct cmdline, init), true },
		{ "rootstock.onfail", offsetof(struct cmdline, onfail), true },
	};
	const size_t max = sizeof ret_cmdline->words / sizeof *ret_cmdline->words;
	struct karg karg;

	/* Not the words: most of that memory is never touched. */
	memset(ret_cmdline, 0, offsetof(struct cmdline, words));
	while (ret_cmdline->count < max && (text = cmdline_next(text, &karg))) {
		ret_cmdline->words[ret_cmdline->count++] = karg;
		/* Without a value, too, it may ask for protection. */
		if (!strcmp(karg.name, CMDLINE_COMPOSEFS) ||
			!strcmp(karg.name, CMDLINE_OT_COMPOSEFS))
			karg.value = karg.value ? karg.value : "";
		else if (!ret_cmdline->unknown &&
			 !strncmp(karg.name, CMDLINE_PREPARE_ROOT, sizeof CMDLINE_PREPARE_ROOT - 1))
			ret_cmdline->unknown = karg.name;
		if (!karg.value)
			continue;
		for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
			const char **field = (const char **)((char *)ret_cmdline + known[i].field);

			if (!strcmp(karg.name, known[i].name) && (!*field || known[i].last_wins))
				*field = karg.value;
		}
	}
}
