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

/* What kind of thing is wrong. rootstock-bls(8) lists all ids, which never change their meaning. */
struct finding_kind {
	const char *id;
	enum findings_severity severity;
	bool everywhere; /* an error because of which no entry boots */
};

struct finding {
	const struct finding_kind *kind;
	char *file;
	unsigned line; /* counted from 1; 0 if no single line is wrong */
	char *what;    /* the middle of a sentence */
	char *remedy;  /* what to do about it, likewise; NULL: nothing in particular */
};

struct findings {
	struct finding **list;
	size_t count;
	void *known;			  /* the same, as a set (known.h) */
	void *files;			  /* the first error about each file, likewise */
	const struct finding *everywhere; /* the first error because of which no entry boots */
	size_t errors;
	bool added; /* the last one was new */
	bool failed;
};

/* Where something is wrong. */
struct place {
	const char *directory; /* with or without "/" at its end; "" for none */
	const char *name;
	unsigned line; /* counted from 1; 0 if no single line is wrong */
};

/* Adds what is wrong, as the middle of a sentence. */
void findings_add(struct findings *findings, const struct finding_kind *kind, struct place place,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says what to do about the finding that was added last. */
void findings_remedy(struct findings *findings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The first error that keeps an entry from booting, NULL if there is none: one about this file, or
 * one that concerns all entries. */
const struct finding *findings_obstacle(
	const struct findings *findings, const char *directory, const char *name);

void findings_free(struct findings *findings);
