/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/quote.h"

#include <stdbool.h>
#include <string.h>

/* The kernel's isspace() without " "; 0xa0 is Latin-1's no-break space. LF and CR are handled
 * elsewhere. */
static bool is_odd_blank(char c)
{
	return c == '\t' || c == '\v' || c == '\f' || c == '\xa0';
}

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
	bool open; /* a quote is not closed */
	bool quotes;
	bool blank;	 /* " " inside quotes */
	bool quoted_odd; /* a blank other than " " inside quotes */
	bool bare_odd;	 /* one outside of quotes: only the kernel starts a new word there */
};

static const char *find_refused(const char *word, const struct seen *seen)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (strchr(word, refused[i].byte))
			return refused[i].what;
	if (!*word)
		return "GRUB cannot pass on an empty word";
	/* GRUB quotes a word if it has a " ", and then all of it. */
	if ((seen->quoted_odd && !seen->blank) || (seen->bare_odd && seen->quotes))
		return "GRUB cannot pass on a mixture of quotes and blanks other than \" \"";
	return NULL;
}

/* The end of the word that begins at text. */
static const char *find_end(const char *text, struct seen *ret_seen)
{
	bool quoted = false;

	*ret_seen = (struct seen){ 0 };
	for (; *text; text++) {
		bool blank = *text == ' ', odd = is_odd_blank(*text);

		ret_seen->quotes |= *text == '"';
		if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (blank || *text == '\t'))
			break;
		ret_seen->blank |= blank;
		ret_seen->quoted_odd |= odd && quoted;
		ret_seen->bare_odd |= odd && !quoted;
	}
	ret_seen->open = quoted;
	return text;
}

/* Removes the quotes that the kernel removes: at the beginning of the word, at the beginning of the
 * value, and at the end. The kernel keeps the last one if it removed no other one. But quotes come
 * in pairs, so another quote is then left, and the word is refused. */
static void unquote(char *word)
{
	char *value, *last;

	if (*word == '"')
		memmove(word, word + 1, strlen(word));
	/* For the kernel a "=" as the first byte belongs to the name. */
	value = *word ? strchr(word + 1, '=') : NULL;
	if (value && value[1] == '"')
		memmove(value + 1, value + 2, strlen(value + 1));
	last = *word ? word + strlen(word) - 1 : word;
	if (*last == '"')
		*last = '\0';
}

bool quote_next(const char **rest, char *word, const char **ret_what)
{
	const char *start = *rest + strspn(*rest, " \t"), *end;
	struct seen seen;

	*rest = start;
	if (!*start)
		return false;
	end = find_end(start, &seen);
	memcpy(word, start, (size_t)(end - start));
	word[end - start] = '\0';
	unquote(word);
	*ret_what = seen.open ? "a double quote is not closed" : find_refused(word, &seen);
	*rest = end;
	return true;
}

size_t quote_length(const char *word)
{
	size_t length = strchr(word, ' ') ? 2 : 0;

	for (; *word; word++)
		length += *word == '\\' || *word == '\'' || *word == '"' ? 2 : 1;
	return length;
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
