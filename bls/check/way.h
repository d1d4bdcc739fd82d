/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * way: what happens to one entry from the loader to init, as numbered steps in words.
 */
#pragma once

#include "bls/text.h"

struct way {
	struct text text; /* lines; those of notes begin with four blanks */
	unsigned steps;
};

/* Adds a step: who does it, and what. */
void way_step(struct way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds a line to the last step. */
void way_note(struct way *way, const char *format, ...) __attribute__((format(printf, 2, 3)));

void way_free(struct way *way);
