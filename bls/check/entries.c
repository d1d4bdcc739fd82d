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
	char *file; /* with its directory, for the findings */
};

static struct subject make_subject(
	const struct sysroot *sysroot, const struct menu_item *item, struct findings *findings)
{
	struct subject subject = {
		.sysroot = sysroot,
		.findings = findings,
		.item = item,
		.entry = &item->entry,
	};

	if (asprintf(&subject.file, "%s/%s", sysroot->entries, item->name) < 0) {
		subject.file = NULL;
		findings->failed = true;
	}
	return subject;
}

/* What is wrong with a path below a directory, as the end of a sentence; NULL when nothing is. */
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
		findings_add(subject->findings, FINDINGS_ERROR, subject->file, line->number,
			"%s: %s %s; bring it back, or deploy again and let this entry go",
			line->name, path, what);
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

static unsigned options_line(const struct subject *subject)
{
	const struct entry_line *line = subject->entry->last[ENTRY_OPTIONS];

	return line ? line->number : 0;
}

/* The bootlink is followed as it will be at boot. */
static void check_deployment(const struct subject *subject)
{
	int fd = deployment_find(subject->sysroot->root_fd, subject->entry->options);
	const char *what = NULL;

	if (fd == -EXDEV)
		what = "leads out of the sysroot";
	else if (fd == -EINVAL)
		what = "leads to something that is not a symlink";
	else if (fd < 0)
		what = strerror(-fd);
	else
		what = look(fd, "usr", PATH_BENEATH, KIND_DIRECTORY) ? "leads to a tree without usr"
								     : NULL;
	if (what)
		findings_add(subject->findings, FINDINGS_ERROR, subject->file,
			options_line(subject),
			"ostree= is of no use: %s; deploy again, or remove this entry", what);
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
		findings_add(subject->findings, FINDINGS_ERROR, subject->file,
			options_line(subject),
			"there is neither an initrd nor init= with ostree-prepare-root, so the kernel would start what is in the root directory of its disk; add one of them");
		return;
	}
	what = look(subject->sysroot->root_fd, init, PATH_IN_ROOT, KIND_PROGRAM);
	if (what)
		findings_add(subject->findings, FINDINGS_ERROR, subject->file,
			options_line(subject),
			"init=%s %s, so the kernel would panic; add ostree-prepare-root to the tree and deploy it",
			init, what);
}

static void check_panic(const struct subject *subject, const char *panic)
{
	/* As the kernel reads it: 0 stands for ever. */
	if (panic && strtol(panic, NULL, 0) != 0)
		return;
	findings_add(subject->findings, FINDINGS_WARNING, subject->file, options_line(subject),
		"after a panic the kernel would hang for ever; %s",
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
	struct subject subject = make_subject(sysroot, item, findings);

	if (!subject.file)
		return;
	if (item->error) {
		findings_add(findings, FINDINGS_ERROR, subject.file, item->where.line,
			"%s; mend it or remove it, no menu has this entry", item->where.what);
	} else {
		if (utf8_mark(item->entry.text, strlen(item->entry.text)))
			findings_add(findings, FINDINGS_WARNING, subject.file, 1,
				"the file begins with a byte order mark, which systemd takes for a part of the first key; remove its three bytes");
		check_files(&subject);
		if (!menu_hidden(item))
			check_options(&subject);
	}
	free(subject.file);
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
		struct subject subject;

		findings->failed |= !first;
		if (!first || first == item)
			continue;
		subject = make_subject(sysroot, item, findings);
		if (subject.file)
			findings_add(findings, FINDINGS_WARNING, subject.file, 0,
				"this name counts as the same as %s, and GRUB's blscfg would show only one of them; remove or rename one",
				first->name);
		free(subject.file);
	}
	known_free(known);
}

static void check_first(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	const struct menu_item *ours = menu_first(menu), *theirs = menu_first_by_name(menu);
	struct subject subject;

	if (ours == theirs || ours->error || theirs->error)
		return;
	subject = make_subject(sysroot, theirs, findings);
	if (subject.file)
		findings_add(findings, FINDINGS_WARNING, subject.file, 0,
			"a loader that goes by file names, like systemd-boot, boots this entry first, and libostree means %s by its version; deploy again to have the names in order",
			ours->name);
	free(subject.file);
}

void entries_check_menu(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	check_names(sysroot, menu, findings);
	check_first(sysroot, menu, findings);
}

/* Says what is wrong with the way from a file system's top to ROOT/boot, given a loader's path. */
static bool judge_way(const struct sysroot *sysroot, const char *path, const struct bootfs *bootfs,
	struct text *ret_what)
{
	const char *below = bootpath_below(path, bootfs->path);
	char resolved[PATH_MAX];

	if (*bootfs->path && below == path) {
		text_add(ret_what,
			"this is a directory of a larger file system, in which a loader finds it by paths that begin with ");
		text_add(ret_what, bootfs->path);
		text_add(ret_what, "; give the generator --boot-prefix ");
		text_add(ret_what, bootfs->path);
		return false;
	}
	if (bootpath_below(below, "/boot") == below ||
		(path_resolve(sysroot->boot_fd, "boot", PATH_BENEATH, resolved) == 1 && !*resolved))
		return true;
	text_add(ret_what,
		"this is a file system of its own, in which a loader finds no paths that begin with ");
	text_add(ret_what, bootfs->path);
	text_add(ret_what,
		"/boot; make a symlink \"boot\" to \".\" in it, or give the generator --boot-prefix ");
	text_add(ret_what, *bootfs->path ? bootfs->path : "none");
	return false;
}

void entries_check_prefix(const struct sysroot *sysroot, const struct menu *menu,
	const struct bootfs *bootfs, struct findings *findings)
{
	const struct menu_item *first = menu_first(menu);
	struct text path = { 0 }, what = { 0 };
	char *file;

	if (!bootfs->path || !first || first->error)
		return;
	bootpath_add(&path, entry_value(&first->entry, ENTRY_LINUX), sysroot->prefix);
	text_add_bytes(&path, "", 1);
	if (path.failed || asprintf(&file, "%sboot", sysroot->root) < 0) {
		findings->failed = true;
	} else {
		if (!judge_way(sysroot, path.bytes, bootfs, &what))
			findings_add(findings, FINDINGS_ERROR, file, 0, "%.*s", (int)what.size,
				what.bytes ? what.bytes : "");
		findings->failed |= what.failed;
		free(file);
	}
	text_free(&what);
	text_free(&path);
}
