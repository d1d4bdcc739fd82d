/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/menufile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/check/known.h"
#include "bls/deployment.h"
#include "bls/file.h"

static const struct finding_kind settings_invalid = { "settings-invalid", FINDINGS_ERROR, false };
static const struct finding_kind left_out = { "left-out", FINDINGS_ERROR, false };
static const struct finding_kind changed = { "changed", FINDINGS_WARNING, false };
static const struct finding_kind same_id = { "same-id", FINDINGS_WARNING, false };
static const struct finding_kind menu_empty = { "menu-empty", FINDINGS_ERROR, true };
static const struct finding_kind menu_torn = { "menu-torn", FINDINGS_ERROR, true };
static const struct finding_kind menu_useless = { "menu-useless", FINDINGS_ERROR, true };
static const struct finding_kind menu_unreadable = { "menu-unreadable", FINDINGS_ERROR, true };
static const struct finding_kind menu_foreign = { "menu-foreign", FINDINGS_WARNING, false };
static const struct finding_kind menu_old = { "menu-old", FINDINGS_WARNING, false };

static const char torn[] = "this menu is not complete";

enum { FILE_SIZE_MAX = MENU_ENTRIES_MAX * ENTRY_SIZE_MAX };

static int read_file(const struct menufile *file, struct text *bytes)
{
	return file_add_in(file->sysroot->root_fd, file->path, FILE_SIZE_MAX, bytes);
}

bool menufile_exists(
	const struct menufile *file, const struct loader *const loaders[], size_t count)
{
	struct text bytes = { 0 };
	int err = read_file(file, &bytes);
	bool exists = err != -ENOENT;

	for (size_t i = 0; i < count && !err; i++) {
		const char *standin = loaders[i]->standin;

		if (standin && bytes.size == strlen(standin) &&
			!memcmp(bytes.bytes, standin, bytes.size))
			exists = false;
	}
	text_free(&bytes);
	return exists;
}
static void read_settings(const struct menufile *file, struct findings *findings)
{
	const struct loader *loader = file->loader;
	const struct sysroot *sysroot = file->sysroot;
	const struct menu_item *first = menu_first(file->menu);
	int fd = first && !first->error ? deployment_find(sysroot->root_fd, first->entry.options)
					: -1;

	if (fd < 0)
		return;
	if (settings_read(fd, loader->settings_file, loader->settings, NULL) < 0 ||
		loader->check_settings(NULL) < 0) {
		findings_add(findings, &settings_invalid, (struct place){ "", sysroot->entries, 0 },
			"%s of the default deployment is not valid, so no menu can be made",
			loader->settings_file);
		findings_remedy(findings,
			"run \"" LOADER_PROGRAMS "%s -o - --root %s --entries %s\" to see why",
			loader->program, sysroot->root, sysroot->entries);
	}
	close(fd);
}

int menufile_make(struct menufile *file, struct findings *findings)
{
	struct loader_job job = {
		.sysroot = file->sysroot,
		.menu = file->menu,
		.verdicts = verdict_new(file->menu),
		.deployment_fd = -1,
	};

	file->verdicts = job.verdicts;
	file->labels = calloc(file->menu->count + 1, sizeof *file->labels);
	if (!file->verdicts || !file->labels)
		return -ENOMEM;
	read_settings(file, findings);
	(void)file->loader->render(&job, &file->made);
	return file->made.failed ? -ENOMEM : file->loader->label(&job, file->labels);
}

static void check_verdict(const struct menufile *file, size_t i, struct findings *findings)
{
	const struct verdict *verdict = &file->verdicts[i];
	const struct menu_item *item = &file->menu->items[i];
	struct place place = { file->sysroot->entries, item->name, verdict->where.line };

	if (verdict->error) {
		findings_add(findings, &left_out, place,
			"%s, so %s's menu does not have this entry%s", verdict->where.what,
			file->loader->name,
			item == menu_first(file->menu) ? ", the one to be booted next" : "");
		findings_remedy(findings, "correct it%s%s", verdict->remedy ? "; " : "",
			verdict->remedy ? verdict->remedy : "");
	}
	for (unsigned j = 0; !verdict->error && j < verdict->warning_count; j++) {
		place.line = verdict->warnings[j].line;
		findings_add(findings, &changed, place, "%s", verdict->warnings[j].what);
	}
}

static int compare_ids(const void *left, const void *right)
{
	const struct loader_label *a = left, *b = right;

	return strcmp(a->id, b->id);
}

/* known is the set of the labels so far. */
static void check_id(const struct menufile *file, size_t i, void **known, struct findings *findings)
{
	const struct loader_label *label = &file->labels[i], *first;

	if (!label->id)
		return;
	first = known_first(known, label, compare_ids);
	findings->failed |= !first;
	if (!first || first == label)
		return;
	findings_add(findings, &same_id,
		(struct place){ file->sysroot->entries, file->menu->items[i].name, 0 },
		"%s's default cannot choose this entry, because %s has the same id",
		file->loader->name, file->menu->items[first - file->labels].name);
	findings_remedy(findings, "remove one of them");
}

void menufile_check_entries(const struct menufile *file, struct findings *findings)
{
	void *known = NULL;
	bool any = false;

	for (size_t i = 0; i < file->menu->count; i++) {
		any |= file->verdicts[i].in_menu;
		if (file->menu->items[i].error)
			continue;
		check_verdict(file, i, findings);
		check_id(file, i, &known, findings);
	}
	known_free(known);
	if (any)
		return;
	findings_add(findings, &menu_empty, (struct place){ "", file->sysroot->entries, 0 },
		"there is no entry that %s could boot", file->loader->name);
	findings_remedy(findings, "deploy one");
}

/* Adds what is wrong with the file. The remedy is always the same. */
static void add(const struct menufile *file, const struct finding_kind *kind, const char *what,
	struct findings *findings)
{
	const char *root = file->sysroot->root;

	findings_add(findings, kind, (struct place){ root, file->path, 0 }, "%s", what);
	findings_remedy(findings, "run \"" LOADER_PROGRAMS "%s -o %s%s\"", file->loader->program,
		root, file->path);
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
static void take_lines(const struct loader *loader, const struct text *menu, struct text *lines)
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

/* True for a file that ends in its first line, or begins with what an erased flash or a file system
 * has in place of lost data. */
static bool is_torn_at_once(const struct text *bytes, const struct text *made, size_t first)
{
	if (bytes->size < first &&
		(!bytes->size || !memcmp(bytes->bytes, made->bytes, bytes->size)))
		return true;
	return *bytes->bytes == '\0' || *bytes->bytes == '\xff';
}

/* True for a menu with the argument that ostree-prepare-root needs, or with a command that finds its
 * entries elsewhere. */
static bool starts_deployment(const struct text *bytes)
{
	static const char *const words[] = { "ostree=", "blscfg", "configfile", "source" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (memmem(bytes->bytes, bytes->size, words[i], strlen(words[i])))
			return true;
	return false;
}

static void check_bytes(
	const struct menufile *file, const struct text *bytes, struct findings *findings)
{
	const struct text *made = &file->made;
	struct text new = { 0 }, old = { 0 };
	const char *damage;
	size_t first, last;

	/* libostree's form of uEnv.txt has no first and last line to recognize it by. */
	if (!made->size || *made->bytes != '#')
		return;
	first = first_line(made);
	last = last_line(made);
	if (bytes->size < first || memcmp(bytes->bytes, made->bytes, first) != 0) {
		if (is_torn_at_once(bytes, made, first))
			add(file, &menu_torn, torn, findings);
		else if (!starts_deployment(bytes))
			add(file, &menu_useless, "nothing in this menu starts a deployment",
				findings);
		else if (file->loader->foreign)
			add(file, &menu_foreign, file->loader->foreign, findings);
		return;
	}
	take_lines(file->loader, made, &new);
	take_lines(file->loader, bytes, &old);
	findings->failed |= new.failed || old.failed;
	if (bytes->size < last || memcmp(bytes->bytes + bytes->size - last,
					  made->bytes + made->size - last, last) != 0)
		add(file, &menu_torn, torn, findings);
	else if ((damage = file->loader->damage(bytes)))
		add(file, &menu_torn, damage, findings);
	else if (!same(&new, &old))
		add(file, &menu_old, "this menu does not match the entries", findings);
	text_free(&new);
	text_free(&old);
}

void menufile_check(const struct menufile *file, struct findings *findings)
{
	struct text bytes = { 0 };
	int err = read_file(file, &bytes);
	char what[200];

	if (!err) {
		check_bytes(file, &bytes, findings);
	} else if (err == -ELOOP) {
		add(file, &menu_unreadable, "this is not a regular file; remove it", findings);
	} else {
		(void)snprintf(
			what, sizeof what, "this menu cannot be read (%s)", sysroot_why(err));
		add(file, &menu_unreadable, what, findings);
	}
	text_free(&bytes);
}

void menufile_free(struct menufile *file)
{
	for (size_t i = 0; file->labels && i < file->menu->count; i++) {
		free(file->labels[i].place);
		free(file->labels[i].id);
		free(file->labels[i].title);
	}
	free(file->labels);
	free(file->verdicts);
	free(file->path);
	text_free(&file->made);
	if (file->loader)
		settings_free(file->loader->settings);
}
