/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/closest.h"

#include <string.h>

/* Longer words are near to nothing. */
enum { LONGEST = 32 };

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The number of edits that make b of a: the "optimal string alignment" distance. */
static unsigned distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned edits[LONGEST + 1][LONGEST + 1];

	for (size_t i = 0; i <= a_length; i++)
		edits[i][0] = (unsigned)i;
	for (size_t j = 0; j <= b_length; j++)
		edits[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++)
		for (size_t j = 1; j <= b_length; j++) {
			unsigned best = edits[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = min(best, min(edits[i - 1][j], edits[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min(best, edits[i - 2][j - 2] + 1);
			edits[i][j] = best;
		}
	return edits[a_length][b_length];
}

const char *closest_within(unsigned most, const char *unknown, const char *const words[])
{
	size_t length = strlen(unknown);
	unsigned best = most;
	const char *found = NULL;

	for (; length <= LONGEST && *words; words++) {
		size_t word_length = strlen(*words);
		unsigned edits;

		if (word_length > LONGEST)
			continue;
		edits = distance(unknown, length, *words, word_length);
		if (edits < best || (edits == best && !found)) {
			best = edits;
			found = *words;
		}
	}
	return found;
}

const char *closest(const char *unknown, const char *const words[])
{
	size_t length = strlen(unknown);

	return closest_within(length < 6 ? 1 : (unsigned)length / 3, unknown, words);
}
