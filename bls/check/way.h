/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * way: what happens to one entry from the loader to init, as numbered steps in words.
 *
 * Nothing is collected unless somebody wants to see it.
 */
#pragma once

#include "bls/text.h"

struct way {
	bool wanted;
	struct text
		text; /* lines, each with a NUL at its end; those of notes begin with four blanks */
	unsigned steps;
};

/* Adds a step: who does it, and what. */
void way_step(struct way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a line to the last step. */
void way_note(struct way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line after this one, or the first one for NULL; NULL at the end. */
const char *way_next(const struct way *way, const char *line);

void way_free(struct way *way);
