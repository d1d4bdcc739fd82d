/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/entries.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/bootpath.h"
#include "bls/deployment.h"
#include "bls/kargs.h"
#include "bls/check/known.h"
#include "bls/utf8.h"
#include "bls/version.h"
#include "prepare-root/path.h"

enum kind { KIND_FILE, KIND_PROGRAM, KIND_DIRECTORY };

struct subject {
	const struct sysroot *sysroot;
	struct findings *findings;
	const struct menu_item *item;
	const struct entry *entry;
};

static struct place place_of(const struct subject *subject, unsigned line)
{
	return (struct place){ subject->sysroot->entries, subject->item->name, line };
}

/* What is wrong with a path below a directory, as the end of a sentence; else NULL. */
static const char *look(int dir_fd, const char *path, enum path_rule rule, enum kind kind)
{
	char resolved[PATH_MAX];
	struct stat st;
	int err = path_resolve(dir_fd, path, rule, resolved);

	if (err >= 0 && fstatat(dir_fd, *resolved ? resolved : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		err = -errno;
	if (err == -ENOENT || err == -ENOTDIR)
		return "is not there";
	if (err == -EXDEV)
		return "is a symlink that leads elsewhere";
	if (err < 0)
		return strerror(-err);
	if (kind == KIND_DIRECTORY)
		return S_ISDIR(st.st_mode) ? NULL : "is not a directory";
	if (!S_ISREG(st.st_mode))
		return "is not a regular file";
	if (kind == KIND_PROGRAM && !(st.st_mode & 0111))
		return "cannot be executed";
	return st.st_size ? NULL : "is empty";
}

static void check_file(const struct subject *subject, const struct entry_line *line,
	const char *path, enum kind kind)
{
	const char *what = look(subject->sysroot->boot_fd,
		bootpath_below(path, subject->sysroot->prefix), PATH_BENEATH, kind);

	if (what)
		findings_add(subject->findings, FINDINGS_ERROR, place_of(subject, line->number),
			"%s: %s %s; restore it, or deploy again and remove this entry", line->name,
			path, what);
}

static void check_overlays(const struct subject *subject, const struct entry_line *line)
{
	char *copy = strdup(line->value), *rest = NULL;

	subject->findings->failed |= !copy;
	for (char *path = copy ? strtok_r(copy, " \t", &rest) : NULL; path;
		path = strtok_r(NULL, " \t", &rest))
		check_file(subject, line, path, KIND_FILE);
	free(copy);
}

static void check_files(const struct subject *subject)
{
	for (size_t i = 0; i < subject->entry->count; i++) {
		const struct entry_line *line = &subject->entry->lines[i];
		bool counts = line->key != ENTRY_UNKNOWN && line == subject->entry->last[line->key];

		switch (line->key) {
		case ENTRY_INITRD:
		case ENTRY_EXTRA:
			check_file(subject, line, line->value, KIND_FILE);
			break;
		case ENTRY_LINUX:
		case ENTRY_EFI:
		case ENTRY_UKI:
		case ENTRY_DEVICETREE:
			if (counts)
				check_file(subject, line, line->value, KIND_FILE);
			break;
		case ENTRY_FDTDIR:
			if (counts)
				check_file(subject, line, line->value, KIND_DIRECTORY);
			break;
		case ENTRY_DEVICETREE_OVERLAY:
			if (counts)
				check_overlays(subject, line);
			break;
		default:
			break;
		}
	}
}

static struct place options_place(const struct subject *subject)
{
	const struct entry_line *line = subject->entry->last[ENTRY_OPTIONS];

	return place_of(subject, line ? line->number : 0);
}

/* The code that follows the bootlink at boot follows it here. */
static void check_deployment(const struct subject *subject)
{
	int fd = deployment_find(subject->sysroot->root_fd, subject->entry->options);
	const char *what = NULL;

	if (fd == -EXDEV)
		what = "it leads out of the sysroot";
	else if (fd == -EINVAL)
		what = "it leads to something that is not a symlink";
	else if (fd < 0)
		what = strerror(-fd);
	else
		what = look(fd, "usr", PATH_BENEATH, KIND_DIRECTORY) ? "the tree has no usr" : NULL;
	if (what)
		findings_add(subject->findings, FINDINGS_ERROR, options_place(subject),
			"ostree= does not lead to a deployment: %s; deploy again, or remove this entry",
			what);
	if (fd >= 0)
		close(fd);
}

/* Without an initramfs the kernel must find the program that prepares the deployment. */
static void check_init(const struct subject *subject, const char *init)
{
	const char *what;

	if (subject->entry->last[ENTRY_INITRD])
		return;
	if (!init || !cmdline_names_prepare_root(init)) {
		findings_add(subject->findings, FINDINGS_ERROR, options_place(subject),
			"there is neither an initrd nor init= with ostree-prepare-root, so the kernel would start the init of the physical root; add one of them");
		return;
	}
	what = look(subject->sysroot->root_fd, init, PATH_IN_ROOT, KIND_PROGRAM);
	if (what)
		findings_add(subject->findings, FINDINGS_ERROR, options_place(subject),
			"init=%s %s, so the kernel would panic; add ostree-prepare-root to the tree and deploy it",
			init, what);
}

static void check_panic(const struct subject *subject, const char *panic)
{
	/* The kernel takes 0 for "wait forever". */
	if (panic && strtol(panic, NULL, 0) != 0)
		return;
	findings_add(subject->findings, FINDINGS_WARNING, options_place(subject),
		"after a panic the kernel would hang forever; %s",
		subject->item->libostree
			? "run \"ostree admin kargs edit-in-place --append-if-missing=panic=10\" and then the generator of the menu"
			: "add panic=10 to the options");
}

static void check_options(const struct subject *subject)
{
	struct kargs kargs;

	if (kargs_split(subject->entry->options, &kargs) < 0) {
		subject->findings->failed = true;
	} else {
		if (kargs_first(&kargs, "ostree")) {
			check_deployment(subject);
			check_init(subject, kargs_last(&kargs, "init"));
		}
		check_panic(subject, kargs_last(&kargs, "panic"));
	}
	kargs_free(&kargs);
}

void entries_check_item(
	const struct sysroot *sysroot, const struct menu_item *item, struct findings *findings)
{
	const struct subject subject = { sysroot, findings, item, &item->entry };

	if (item->error) {
		findings_add(findings, FINDINGS_ERROR, place_of(&subject, item->where.line),
			"%s; correct or remove it, no menu has this entry", item->where.what);
		return;
	}
	if (utf8_mark(item->entry.text, strlen(item->entry.text)))
		findings_add(findings, FINDINGS_WARNING, place_of(&subject, 1),
			"the file begins with a byte order mark, which systemd takes for a part of the first key; remove its three bytes");
	check_files(&subject);
	if (!menu_hidden(item))
		check_options(&subject);
}

static int compare_names(const void *left, const void *right)
{
	const struct menu_item *a = left, *b = right;

	return version_compare(a->stem, b->stem);
}

static void check_names(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	void *known = NULL;

	for (size_t i = 0; i < menu->count; i++) {
		const struct menu_item *item = &menu->items[i];
		const struct menu_item *first = known_first(&known, item, compare_names);

		findings->failed |= !first;
		if (first && first != item)
			findings_add(findings, FINDINGS_WARNING,
				(struct place){ sysroot->entries, item->name, 0 },
				"this name counts as the same as %s, and GRUB's blscfg would show only one of them; remove or rename one",
				first->name);
	}
	known_free(known);
}

static void check_first(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	const struct menu_item *ours = menu_first(menu), *theirs = menu_first_by_name(menu);

	if (ours != theirs && !ours->error && !theirs->error)
		findings_add(findings, FINDINGS_WARNING,
			(struct place){ sysroot->entries, theirs->name, 0 },
			"a loader that sorts by file name, for example systemd-boot, boots this entry first, but libostree means %s; deploy again to get names in the right order",
			ours->name);
}

void entries_check_menu(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	check_names(sysroot, menu, findings);
	check_first(sysroot, menu, findings);
}

void entries_check_prefix(const struct sysroot *sysroot, const struct menu *menu,
	const struct bootfs *bootfs, struct findings *findings)
{
	const struct menu_item *first = menu_first(menu);
	const struct place place = { sysroot->root, "boot", 0 };
	char *path, resolved[PATH_MAX];
	const char *below;

	if (!bootfs->path || !first || first->error)
		return;
	path = bootpath_make(entry_value(&first->entry, ENTRY_LINUX), sysroot->prefix);
	if (!path) {
		findings->failed = true;
		return;
	}
	below = bootpath_below(path, bootfs->path);
	if (*bootfs->path && below == path)
		findings_add(findings, FINDINGS_ERROR, place,
			"this is a directory of a larger file system, in which a loader finds it by paths that begin with %s; give the generator --boot-prefix %s",
			bootfs->path, bootfs->path);
	else if (bootpath_below(below, "/boot") != below &&
		 (path_resolve(sysroot->boot_fd, "boot", PATH_BENEATH, resolved) != 1 || *resolved))
		findings_add(findings, FINDINGS_ERROR, place,
			"this is a file system of its own, in which a loader finds no paths that begin with %s/boot; make a symlink \"boot\" to \".\" in it, or give the generator --boot-prefix %s",
			bootfs->path, *bootfs->path ? bootfs->path : "none");
	free(path);
}
