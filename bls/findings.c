/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct findings *findings, const struct finding *finding)
{
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *other = &findings->list[i];

		if (other->line == finding->line && !strcmp(other->file, finding->file) &&
			!strcmp(other->what, finding->what))
			return true;
	}
	return false;
}

/* Room is made in powers of two, so the count says when it is used up. */
static bool make_room(struct findings *findings)
{
	size_t count = findings->count;
	struct finding *grown;

	if (count & (count - 1))
		return true;
	grown = realloc(findings->list, (count ? count * 2 : 1) * sizeof(*grown));
	if (grown)
		findings->list = grown;
	return grown;
}

void findings_add(struct findings *findings, enum findings_severity severity, const char *file,
	unsigned line, const char *format, ...)
{
	struct finding finding = { .severity = severity, .file = strdup(file), .line = line };
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&finding.what, format, arguments) < 0)
		finding.what = NULL;
	va_end(arguments);
	if (!finding.file || !finding.what || !make_room(findings)) {
		findings->failed = true;
	} else if (!has(findings, &finding)) {
		findings->list[findings->count++] = finding;
		findings->errors += severity == FINDINGS_ERROR;
		return;
	}
	free(finding.file);
	free(finding.what);
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->list[i].file);
		free(findings->list[i].what);
	}
	free(findings->list);
	*findings = (struct findings){ 0 };
}
