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
	free(old->remedy);
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

static int compare_files(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	return strcmp(a->file, b->file);
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
	if (finding->kind->severity != FINDINGS_ERROR)
		return true;
	findings->errors++;
	findings->failed |= !known_first(&findings->files, finding, compare_files);
	if (finding->kind->everywhere && !findings->everywhere)
		findings->everywhere = finding;
	return true;
}

static char *join(const struct place *place)
{
	size_t length = strlen(place->directory);
	const char *slash = length && place->directory[length - 1] != '/' ? "/" : "";
	char *file;

	return asprintf(&file, "%s%s%s", place->directory, slash, place->name) < 0 ? NULL : file;
}

void findings_add(struct findings *findings, const struct finding_kind *kind, struct place place,
	const char *format, ...)
{
	struct finding *finding = calloc(1, sizeof *finding);
	va_list arguments;

	if (finding) {
		*finding = (struct finding){ kind, join(&place), place.line, NULL, NULL };
		va_start(arguments, format);
		if (vasprintf(&finding->what, format, arguments) < 0)
			finding->what = NULL;
		va_end(arguments);
	}
	findings->added = add(findings, finding);
	if (!findings->added && finding)
		free_finding(finding);
}

void findings_remedy(struct findings *findings, const char *format, ...)
{
	struct finding *last;
	va_list arguments;

	if (!findings->added)
		return;
	last = findings->list[findings->count - 1];
	va_start(arguments, format);
	if (vasprintf(&last->remedy, format, arguments) < 0) {
		last->remedy = NULL;
		findings->failed = true;
	}
	va_end(arguments);
}

const struct finding *findings_obstacle(
	const struct findings *findings, const char *directory, const char *name)
{
	const struct finding asked = { .file = join(&(struct place){ directory, name, 0 }) };
	const struct finding *found = NULL;

	if (asked.file)
		found = known_find(findings->files, &asked, compare_files);
	free(asked.file);
	return found ? found : findings->everywhere;
}

void findings_free(struct findings *findings)
{
	known_free(findings->known);
	known_free(findings->files);
	for (size_t i = 0; i < findings->count; i++)
		free_finding(findings->list[i]);
	free(findings->list);
	*findings = (struct findings){ 0 };
}
