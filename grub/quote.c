/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/quote.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The kernel's isspace() without blank, TAB, LF and CR; 0xa0 is the no-break space of Latin-1. */
#define ODD_BLANKS "\v\f\xa0"

static const struct {
	char byte;
	const char *what;
} refused[] = {
	{ '"', "GRUB cannot pass on a double quote inside a word" },
	{ '\'', "GRUB cannot pass on a single quote" },
	{ '\\', "GRUB cannot pass on a backslash" },
	{ '\r', "GRUB cannot pass on a carriage return" },
};

struct seen {
	bool quotes;
	bool blank;	 /* " " inside quotes */
	bool quoted_odd; /* a blank other than " " inside quotes */
	bool bare_odd; /* one outside of quotes: for the kernel, but for nobody else, a new word */
};

static const char *find_refused(const char *word, const struct seen *seen)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (strchr(word, refused[i].byte))
			return refused[i].what;
	if (!*word)
		return "GRUB cannot pass on an empty word";
	/* GRUB quotes a word exactly when it has a " " in it, and then all of it. */
	if ((seen->quoted_odd && !seen->blank) || (seen->bare_odd && seen->quotes))
		return "GRUB cannot pass on this mixture of quotes and of blanks other than \" \"";
	return NULL;
}

/* The end of the word that begins at text, or NULL when a quote is left open. */
static const char *find_end(const char *text, struct seen *ret_seen)
{
	bool quoted = false;

	*ret_seen = (struct seen){ 0 };
	for (; *text; text++) {
		bool blank = *text == ' ', odd = *text == '\t' || strchr(ODD_BLANKS, *text);

		ret_seen->quotes |= *text == '"';
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (blank || *text == '\t'))
			break;
		ret_seen->blank |= blank;
		ret_seen->quoted_odd |= odd && quoted;
		ret_seen->bare_odd |= odd && !quoted;
	}
	return quoted ? NULL : text;
}

/*
 * Removes the quotes that the kernel removes: first in the word, first in the value, and the last
 * byte. The kernel spares the last one if it has removed no other, but then, quotes coming in
 * pairs, there is another one left in the word, for which it is refused.
 */
static void unquote(char *word)
{
	char *value, *last;

	if (*word == '"')
		memmove(word, word + 1, strlen(word));
	/* To the kernel a "=" in the first place belongs to the name. */
	value = *word ? strchr(word + 1, '=') : NULL;
	if (value && value[1] == '"')
		memmove(value + 1, value + 2, strlen(value + 1));
	last = *word ? word + strlen(word) - 1 : word;
	if (*last == '"')
		*last = '\0';
}

int quote_next(const char **rest, char *word, const char **ret_what)
{
	const char *start = *rest + strspn(*rest, " \t"), *end;
	struct seen seen;

	*rest = start;
	if (!*start)
		return 0;
	end = find_end(start, &seen);
	if (!end) {
		*ret_what = "a double quote is opened and not closed";
		return -EINVAL;
	}
	memcpy(word, start, (size_t)(end - start));
	word[end - start] = '\0';
	unquote(word);
	*ret_what = find_refused(word, &seen);
	if (*ret_what)
		return -EINVAL;
	*rest = end;
	return 1;
}

size_t quote_length(const char *word)
{
	return strlen(word) + (strchr(word, ' ') ? 2 : 0);
}

void quote_add(struct text *text, const char *word)
{
	text_add(text, "'");
	for (;;) {
		size_t plain = strcspn(word, "'");

		text_add_bytes(text, word, plain);
		word += plain;
		if (!*word)
			break;
		text_add(text, "'\\''");
		word++;
	}
	text_add(text, "'");
}
