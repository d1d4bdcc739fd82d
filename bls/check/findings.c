/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/check/known.h"

static void free_finding(void *finding)
{
	struct finding *old = finding;

	free(old->file);
	free(old->what);
	free(old);
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;
	int order = (a->line > b->line) - (a->line < b->line);

	if (!order)
		order = strcmp(a->file, b->file);
	return order ? order : strcmp(a->what, b->what);
}

/* The array grows at each power of two. */
static bool make_room(struct findings *findings)
{
	size_t count = findings->count;
	struct finding **grown;

	if (count & (count - 1))
		return true;
	grown = realloc(findings->list, (count ? count * 2 : 1) * sizeof(struct finding *));
	if (grown)
		findings->list = grown;
	return grown;
}

/* Returns false if the same finding is there already, or without memory. */
static bool add(struct findings *findings, struct finding *finding)
{
	const struct finding *known = NULL;

	if (finding && finding->file && finding->what && make_room(findings))
		known = known_first(&findings->known, finding, compare);
	findings->failed |= !known;
	if (!known || known != finding)
		return false;
	findings->list[findings->count++] = finding;
	findings->errors += finding->severity == FINDINGS_ERROR;
	return true;
}

static char *join(const struct place *place)
{
	size_t length = strlen(place->directory);
	const char *slash = length && place->directory[length - 1] != '/' ? "/" : "";
	char *file;

	return asprintf(&file, "%s%s%s", place->directory, slash, place->name) < 0 ? NULL : file;
}

void findings_add(struct findings *findings, enum findings_severity severity, struct place place,
	const char *format, ...)
{
	struct finding *finding = calloc(1, sizeof *finding);
	va_list arguments;

	if (finding) {
		*finding = (struct finding){ severity, join(&place), place.line, NULL };
		va_start(arguments, format);
		if (vasprintf(&finding->what, format, arguments) < 0)
			finding->what = NULL;
		va_end(arguments);
	}
	if (!add(findings, finding) && finding)
		free_finding(finding);
}

void findings_free(struct findings *findings)
{
	known_free(findings->known);
	for (size_t i = 0; i < findings->count; i++)
		free_finding(findings->list[i]);
	free(findings->list);
	*findings = (struct findings){ 0 };
}
