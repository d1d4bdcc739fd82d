/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * closest: which known word was meant by an unknown one.
 *
 * Words count as near if one becomes the other by at most one edit for each three letters, and by
 * one edit in shorter words: a letter is added, removed or replaced, or two neighbours are swapped.
 */
#pragma once

/* Returns the nearest of the words, the first one of several, or NULL if none is near. NULL ends them. */
const char *closest(const char *unknown, const char *const words[]);

/* The same for at most this number of edits. */
const char *closest_within(unsigned most, const char *unknown, const char *const words[]);
