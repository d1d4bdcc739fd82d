/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * findings: what a check has to say, in the order in which it was said.
 *
 * Two that say the same of the same place are one, because two loaders often dislike one thing.
 * Running out of memory is remembered, as in a text, and makes the list good for nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum findings_severity { FINDINGS_ERROR, FINDINGS_WARNING };

struct finding {
	enum findings_severity severity;
	char *file;
	unsigned line; /* counted from 1; 0 when no single line is to blame */
	char *what;    /* the middle of a sentence */
};

struct findings {
	struct finding **list;
	size_t count;
	void *known; /* the same as a set (known.h) */
	size_t errors;
	bool failed;
};

/* Where something is wrong. */
struct place {
	const char *directory; /* with or without "/" at its end; "" for none */
	const char *name;
	unsigned line; /* 0 when no single line is to blame */
};

/* Adds what is wrong with a file, and what to do about it, as the middle of a sentence. */
void findings_add(struct findings *findings, enum findings_severity severity, struct place place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

void findings_free(struct findings *findings);
