/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/entries.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/bootpath.h"
#include "bls/check/copies.h"
#include "bls/check/files.h"
#include "bls/check/known.h"
#include "bls/check/modules.h"
#include "bls/check/ownramfs.h"
#include "bls/check/rootarg.h"
#include "bls/check/tree.h"
#include "bls/check/typos.h"
#include "bls/deployment.h"
#include "bls/utf8.h"
#include "bls/version.h"
#include "prepare-root/path.h"

static const struct finding_kind entry_invalid = { "entry-invalid", FINDINGS_ERROR, false };
static const struct finding_kind byte_order_mark = { "byte-order-mark", FINDINGS_WARNING, false };
static const struct finding_kind no_panic = { "no-panic", FINDINGS_WARNING, false };
static const struct finding_kind initrd_unread = { "initrd-unread", FINDINGS_WARNING, false };
static const struct finding_kind initrd_damaged = { "initrd-damaged", FINDINGS_ERROR, false };
static const struct finding_kind initrd_format = { "initrd-format", FINDINGS_ERROR, false };
static const struct finding_kind initrd_init = { "initrd-init", FINDINGS_ERROR, false };
static const struct finding_kind initrd_release = { "initrd-release", FINDINGS_WARNING, false };
static const struct finding_kind same_name = { "same-name", FINDINGS_WARNING, false };
static const struct finding_kind other_order = { "other-order", FINDINGS_WARNING, false };
static const struct finding_kind prefix_needed = { "prefix-needed", FINDINGS_ERROR, true };
static const struct finding_kind prefix_wrong = { "prefix-wrong", FINDINGS_ERROR, true };

static void check_panic(const struct subject *subject)
{
	const char *panic = subject_word(subject, "panic");

	/* The kernel takes 0 for "wait forever". */
	if (panic && strtol(panic, NULL, 0) != 0)
		return;
	findings_add(subject->findings, &no_panic, subject_options(subject),
		"after a panic the kernel would hang forever");
	findings_remedy(subject->findings, "%s",
		subject->item->libostree
			? "run \"ostree admin kargs edit-in-place --append-if-missing=panic=10\" and then the generator of the menu"
			: "add panic=10 to the options");
}

/* Reads which modules are built into the tree's kernel. */
static void read_builtin(const struct subject *subject, struct text *builtin, char **release)
{
	if (subject->tree_fd >= 0 && modules_builtin(subject->tree_fd, builtin, release) == -ENOMEM)
		subject->findings->failed = true;
}

static bool has_failed(const struct initrd *initrd)
{
	if (!initrd || initrd->modules.failed)
		return true;
	for (size_t i = 0; i < INITRD_CONFS; i++)
		if (initrd->confs[i].failed)
			return true;
	return false;
}

static void check_content(const struct subject *subject, struct place place)
{
	const struct initrd *initrd = subject->initrd;

	if (initrd->damage)
		findings_add(subject->findings, &initrd_damaged, place,
			"the kernel cannot unpack the initramfs: %s", initrd->damage);
	else if (initrd->format)
		findings_add(subject->findings, &initrd_format, place,
			"the kernel cannot unpack the initramfs: %s", initrd->format);
	else if (initrd->unread && *initrd->unread)
		findings_add(subject->findings, &initrd_unread, place,
			"the initramfs cannot be looked into: %s", initrd->unread);
	else
		return;
	findings_remedy(subject->findings, "%s", initrd->remedy);
}

/* Without it the kernel goes on as if there were no initramfs. It would need init= then, which the
 * generators leave out beside an initramfs. */
static void check_initrd_init(const struct subject *subject, struct place place)
{
	const struct initrd *initrd = subject->initrd;
	const char *other = subject_word(subject, "rdinit");

	/* The links on the way of another path are not known. */
	if (initrd->unread || (other && strcmp(other, "/init") != 0) || S_ISLNK(initrd->init) ||
		(S_ISREG(initrd->init) && (initrd->init & 0111)))
		return;
	findings_add(subject->findings, &initrd_init, place, "the initramfs has no /init%s",
		initrd->init ? " that can be executed" : "");
	findings_remedy(subject->findings, "make the initramfs again");
}

static void check_initrd(struct subject *subject, const char *release)
{
	const struct place place =
		subject_place(subject, subject->entry->last[ENTRY_INITRD]->number);
	const struct initrd *initrd = initrd_of(subject->initrds, subject->sysroot, subject->entry);

	if (has_failed(initrd)) {
		subject->findings->failed = true;
		return;
	}
	subject->initrd = initrd;
	check_content(subject, place);
	check_initrd_init(subject, place);
	if (release && *initrd->release && strcmp(release, initrd->release) != 0) {
		findings_add(subject->findings, &initrd_release, place,
			"the initramfs has modules for the kernel %s, and the tree for %s",
			initrd->release, release);
		findings_remedy(subject->findings, "make the initramfs again");
	}
	way_step(subject->way, "The kernel unpacks the initramfs, made by %s.",
		initrd_name(initrd->maker));
	if (*initrd->release)
		way_note(subject->way, "It has modules for %s.", initrd->release);
}

static void check_boot(struct subject *subject)
{
	struct text builtin = { 0 };
	char *release = NULL;

	way_step(subject->way, "The kernel gets %zu bytes: %s", strlen(subject->entry->options),
		subject->entry->options);
	/* Another system's entry is not followed. */
	if (!subject->cmdline->ostree && !subject->cmdline->slot && !subject->item->libostree) {
		check_panic(subject);
		typos_check(subject);
		return;
	}
	subject->tree_fd = deployment_find(subject->sysroot->root_fd, subject->entry->options);
	read_builtin(subject, &builtin, &release);
	copies_check(subject);
	if (subject->entry->last[ENTRY_INITRD])
		check_initrd(subject, release);
	else
		ownramfs_check(subject);
	rootarg_check(subject, release ? &builtin : NULL);
	tree_check(subject);
	check_panic(subject);
	typos_check(subject);
	subject->findings->failed |= builtin.failed;
	text_free(&builtin);
	free(release);
	if (subject->tree_fd >= 0)
		close(subject->tree_fd);
}

void entries_check_item(struct subject *subject)
{
	const struct menu_item *item = subject->item;
	static struct cmdline cmdline;
	char *options;

	if (item->error) {
		findings_add(subject->findings, &entry_invalid,
			subject_place(subject, item->where.line), "%s", item->where.what);
		findings_remedy(subject->findings, "correct or remove it, no menu has this entry");
		return;
	}
	if (utf8_mark(item->entry.text, strlen(item->entry.text))) {
		findings_add(subject->findings, &byte_order_mark, subject_place(subject, 1),
			"the file begins with a byte order mark, which systemd takes for a part of the first key");
		findings_remedy(subject->findings, "remove its three bytes");
	}
	files_check(subject);
	if (menu_hidden(item))
		return;
	/* Longer ones are refused by every loader. */
	options = strndup(item->entry.options, CMDLINE_MAX);
	if (!options) {
		subject->findings->failed = true;
		return;
	}
	cmdline_parse(options, &cmdline);
	subject->cmdline = &cmdline;
	check_boot(subject);
	subject->cmdline = NULL;
	free(options);
}

static int compare_names(const void *left, const void *right)
{
	const struct menu_item *a = left, *b = right;

	return version_compare(a->stem, b->stem);
}

static void add_same_name(const struct sysroot *sysroot, const struct menu_item *item,
	const struct menu_item *first, struct findings *findings)
{
	findings_add(findings, &same_name, (struct place){ sysroot->entries, item->name, 0 },
		"this name counts as the same as %s, and GRUB's blscfg would show only one of them",
		first->name);
	findings_remedy(findings, "remove or rename one");
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
			add_same_name(sysroot, item, first, findings);
	}
	known_free(known);
}

static void check_first(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings)
{
	const struct menu_item *ours = menu_first(menu), *theirs = menu_first_by_name(menu);

	if (ours == theirs || ours->error || theirs->error)
		return;
	findings_add(findings, &other_order, (struct place){ sysroot->entries, theirs->name, 0 },
		"a loader that sorts by file name, for example systemd-boot, boots this entry first, but libostree means %s",
		ours->name);
	findings_remedy(findings, "deploy again to get names in the right order");
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
	if (*bootfs->path && below == path) {
		findings_add(findings, &prefix_needed, place,
			"this is a directory of a larger file system, in which a loader finds it by paths that begin with %s",
			bootfs->path);
		findings_remedy(findings, "give the generator --boot-prefix %s", bootfs->path);
	} else if (bootpath_below(below, "/boot") != below &&
		   (path_resolve(sysroot->boot_fd, "boot", PATH_BENEATH, resolved) != 1 ||
			   *resolved)) {
		findings_add(findings, &prefix_wrong, place,
			"this is a file system of its own, in which a loader finds no paths that begin with %s/boot",
			bootfs->path);
		findings_remedy(findings,
			"make a symlink \"boot\" to \".\" in it, or give the generator --boot-prefix %s",
			*bootfs->path ? bootfs->path : "none");
	}
	free(path);
}
