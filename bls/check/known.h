/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * known: which of several equal things came first, without comparing each one with all others.
 *
 * A thin cover of tsearch(3), whose header has a "struct entry" of its own. The things stay where
 * they are and are the caller's; a set begins as NULL.
 */
#pragma once

/*
 * The first thing in the set that counts as equal to this one (compare as for qsort(3), on the
 * things themselves): thing itself if it is new, and then it is in the set; NULL without memory.
 */
const void *known_first(
	void **set, const void *thing, int (*compare)(const void *left, const void *right));

void known_free(void *set);
