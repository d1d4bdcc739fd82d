/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * known: a set that finds equal things without comparing each one with all others.
 *
 * A wrapper of tsearch(3), whose header has a "struct entry" of its own. The things belong to the
 * caller and must not move. An empty set is NULL.
 */
#pragma once

/* Returns the first thing in the set that is equal to this one. If there is none, adds this one and
 * returns it; NULL without memory. compare is as for qsort(3), but gets the things themselves. */
const void *known_first(
	void **set, const void *thing, int (*compare)(const void *left, const void *right));

/* Returns the first thing in the set that is equal to this one, or NULL. */
const void *known_find(
	void *const set, const void *thing, int (*compare)(const void *left, const void *right));

void known_free(void *set);

/* The same, and calls release with each thing. */
void known_destroy(void *set, void (*release)(void *thing));
