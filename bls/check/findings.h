/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * findings: what a check has found, in order.
 *
 * Two equal findings about the same place become one, because two loaders often object to the same
 * thing. If memory runs out, failed is set, as in a text, and the list must not be used.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum findings_severity { FINDINGS_ERROR, FINDINGS_WARNING };

struct finding {
	enum findings_severity severity;
	char *file;
	unsigned line; /* counted from 1; 0 if no single line is wrong */
	char *what;    /* the middle of a sentence */
};

struct findings {
	struct finding **list;
	size_t count;
	void *known; /* the same, as a set (known.h) */
	size_t errors;
	bool failed;
};

/* Where something is wrong. */
struct place {
	const char *directory; /* with or without "/" at its end; "" for none */
	const char *name;
	unsigned line; /* counted from 1; 0 if no single line is wrong */
};

/* Adds what is wrong and what to do about it, as the middle of a sentence. */
void findings_add(struct findings *findings, enum findings_severity severity, struct place place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

void findings_free(struct findings *findings);
