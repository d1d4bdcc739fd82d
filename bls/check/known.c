/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/known.h"

#include <search.h>
#include <stddef.h>

const void *known_first(
	void **set, const void *thing, int (*compare)(const void *left, const void *right))
{
	const void *const *found = tsearch(thing, set, compare);

	return found ? *found : NULL;
}

static void keep(void *thing)
{
	(void)thing;
}

const void *known_find(
	void *const set, const void *thing, int (*compare)(const void *left, const void *right))
{
	const void *const *found = tfind(thing, &set, compare);

	return found ? *found : NULL;
}

void known_free(void *set)
{
	tdestroy(set, keep);
}

void known_destroy(void *set, void (*release)(void *thing))
{
	tdestroy(set, release);
}
