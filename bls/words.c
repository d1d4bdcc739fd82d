/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/words.h"

#include <string.h>

static const char blanks[] = " \t";

const char *words_next(const char **list, size_t *ret_length)
{
	const char *word = *list + strspn(*list, blanks);

	*ret_length = strcspn(word, blanks);
	*list = word + *ret_length;
	return *ret_length ? word : NULL;
}

bool words_have(const char *list, const char *word)
{
	const char *found;
	size_t length;

	while (list && (found = words_next(&list, &length)))
		if (length == strlen(word) && !memcmp(found, word, length))
			return true;
	return false;
}
