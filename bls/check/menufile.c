/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/menufile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/check/known.h"

#define TORN "this menu was not written to its end; run \"%s -o %s\""

static void judge_item(const struct outcome *outcome, const struct outcome_loader *loader,
	const struct menu_item *item, const char *file, struct findings *findings)
{
	if (item->error)
		findings_add(findings, FINDINGS_ERROR, file, item->where.line,
			"%s; mend it, %s's menu is without this entry%s%s%s", item->where.what,
			loader->name,
			item == menu_first(&outcome->menu) ? ", the one to be booted next" : "",
			item->remedy ? "; " : "", item->remedy ? item->remedy : "");
	for (unsigned i = 0; !item->error && i < item->warning_count; i++)
		findings_add(findings, FINDINGS_WARNING, file, item->warnings[i].line, "%s",
			item->warnings[i].what);
}

static int compare_ids(const void *left, const void *right)
{
	char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* known is a tree of the ids so far, which are elements of outcome->ids. */
static void judge_id(const struct outcome *outcome, size_t i, void **known, const char *file,
	struct findings *findings)
{
	char *const *first;

	if (!outcome->numbers[i] || !outcome->ids[i])
		return;
	first = known_first(known, &outcome->ids[i], compare_ids);
	findings->failed |= !first;
	if (first && first != &outcome->ids[i])
		findings_add(findings, FINDINGS_WARNING, file, 0,
			"GRUB's default cannot choose this entry, because %s has the same id; remove one of them",
			outcome->menu.items[first - outcome->ids].name);
}

void menufile_check_entries(const struct outcome *outcome, const struct outcome_loader *loader,
	const struct menu *plain, const char *entries, struct findings *findings)
{
	void *known = NULL;
	bool any = false;

	for (size_t i = 0; i < outcome->menu.count; i++) {
		const struct menu_item *item = &outcome->menu.items[i];
		char *file;

		any |= outcome->numbers[i] != 0;
		if (plain->items[i].error)
			continue;
		if (asprintf(&file, "%s/%s", entries, item->name) < 0) {
			findings->failed = true;
			break;
		}
		judge_item(outcome, loader, item, file, findings);
		judge_id(outcome, i, &known, file, findings);
		free(file);
	}
	known_free(known);
	if (!any)
		findings_add(findings, FINDINGS_ERROR, entries, 0,
			"there is no entry that %s could boot; deploy one", loader->name);
}

static size_t first_line(const struct text *text)
{
	const char *end = memchr(text->bytes, '\n', text->size);

	return end ? (size_t)(end - text->bytes) + 1 : text->size;
}

static size_t last_line(const struct text *text)
{
	const char *end = memrchr(text->bytes, '\n', text->size - 1);

	return end ? text->size - (size_t)(end - text->bytes) - 1 : text->size;
}

/* Adds the lines that follow from the entries. */
static void take_lines(
	const struct outcome_loader *loader, const struct text *menu, struct text *lines)
{
	const char *line = menu->bytes, *stop = menu->bytes + menu->size;

	while (line < stop) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));
		const char *next = end ? end + 1 : stop;

		if (loader->from_entries(line, (size_t)((end ? end : stop) - line)))
			text_add_bytes(lines, line, (size_t)(next - line));
		line = next;
	}
}

static bool same(const struct text *a, const struct text *b)
{
	return a->size == b->size && (!a->size || !memcmp(a->bytes, b->bytes, a->size));
}

/* A file that ends within its first line, or is what flash or a file system has in place of one. */
static bool is_torn_at_once(const struct text *bytes, const struct text *made, size_t first)
{
	if (bytes->size < first &&
		(!bytes->size || !memcmp(bytes->bytes, made->bytes, bytes->size)))
		return true;
	return *bytes->bytes == '\0' || *bytes->bytes == '\xff';
}

void menufile_check(const struct outcome *outcome, const struct outcome_loader *loader,
	const char *file, const struct text *bytes, struct findings *findings)
{
	const struct text *made = &outcome->made;
	struct text new = { 0 }, old = { 0 };
	size_t first, last;

	/* libostree's form of uEnv.txt has neither head nor end to be known by. */
	if (!made->size || *made->bytes != '#')
		return;
	first = first_line(made);
	last = last_line(made);
	if (bytes->size < first || memcmp(bytes->bytes, made->bytes, first) != 0) {
		if (is_torn_at_once(bytes, made, first))
			findings_add(
				findings, FINDINGS_ERROR, file, 0, TORN, loader->generator, file);
		else if (loader->foreign)
			findings_add(findings, FINDINGS_WARNING, file, 0, "%s; run \"%s -o %s\"",
				loader->foreign, loader->generator, file);
		return;
	}
	take_lines(loader, made, &new);
	take_lines(loader, bytes, &old);
	findings->failed |= new.failed || old.failed;
	if (bytes->size < last || memcmp(bytes->bytes + bytes->size - last,
					  made->bytes + made->size - last, last) != 0)
		findings_add(findings, FINDINGS_ERROR, file, 0, TORN, loader->generator, file);
	else if (!same(&new, &old))
		findings_add(findings, FINDINGS_WARNING, file, 0,
			"this menu is not what the entries say now; run \"%s -o %s\"",
			loader->generator, file);
	text_free(&new);
	text_free(&old);
}

void outcome_free(struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->menu.count; i++) {
		free(outcome->titles[i]);
		free(outcome->ids[i]);
	}
	menu_free(&outcome->menu);
	text_free(&outcome->made);
}
