/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rootstock-bls: shows what loaders make of a system's entries, and what is wrong with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/args.h"
#include "bls/check/bootfs-limits.h"
#include "bls/check/bootscr.h"
#include "bls/check/entries.h"
#include "bls/check/files.h"
#include "bls/check/grubdir.h"
#include "bls/check/initrd.h"
#include "bls/check/otherloader.h"
#include "bls/check/print.h"
#include "bls/check/repoconf.h"
#include "bls/outfile.h"
#include "grub/loader.h"
#include "prepare-root/path.h"
#include "uboot/loader.h"

static const struct finding_kind no_menu = { "no-menu", FINDINGS_ERROR, true };
static const struct finding_kind repository_unreadable = { "repository-unreadable",
	FINDINGS_WARNING, false };
static const struct finding_kind no_hook = { "no-hook", FINDINGS_WARNING, false };

/* All loaders, in the order of the output: the one list of them. */
static const struct loader *const loaders[] = { &grub_loader, &uboot_loader };

enum { LOADERS = sizeof loaders / sizeof *loaders };

static const char help[] =
	"usage: rootstock-bls list|check|explain [OPTION]...\n"
	"\n"
	"list shows the boot loader entries of a system in the order of their menu, and what\n"
	"each boot loader makes of them. check reports whether they boot, and what is wrong.\n"
	"explain shows an entry's way from the boot loader to init, step by step.\n"
	"\n"
	"  --root DIR           the sysroot; default: /\n"
	"  --entries DIR        the entries; default: boot/loader/entries in the sysroot\n"
	"  --boot-prefix PREFIX what a loader needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --loader LOADER      %s; default: each that has a menu in boot/loader, or all\n"
	"  --entry FILE         what explain shows; default: the first entry of the menu\n"
	"  --json               for programs\n"
	"  --help, --version    print this, or the version\n";

static const struct reporter reporter = { .program = "rootstock-bls" };

/* What the command line asks for. */
enum verb { VERB_LIST, VERB_CHECK, VERB_EXPLAIN };

static const char *const verbs[] = {
	[VERB_LIST] = "list", [VERB_CHECK] = "check", [VERB_EXPLAIN] = "explain", NULL
};

static const char *root = "/", *entries, *prefix = "auto", *chosen, *explained;
static bool as_json;

static const struct args_option options[] = {
	{ "root", &root, NULL },
	{ "entries", &entries, NULL },
	{ "boot-prefix", &prefix, NULL },
	{ "loader", &chosen, NULL },
	{ "entry", &explained, NULL },
	{ "json", NULL, &as_json },
	{ 0 },
};

static int fail_for_memory(void)
{
	report(&reporter, REPORT_ERROR, "there is not enough memory");
	return -1;
}

/* Adds the words that --loader accepts. */
static void add_words(struct text *text)
{
	for (size_t i = 0; i < LOADERS; i++)
		text_print(text, "%s%s", i ? " or " : "", loaders[i]->word);
}

/* Returns true if there is any menu. */
static bool choose_loaders(struct menufile files[])
{
	bool any = false;

	for (size_t i = 0; i < LOADERS; i++) {
		files[i].exists = menufile_exists(&files[i], loaders, LOADERS);
		files[i].wanted = chosen ? !strcmp(chosen, loaders[i]->word) : files[i].exists;
		any |= files[i].exists;
	}
	for (size_t i = 0; i < LOADERS && !chosen && !any; i++)
		files[i].wanted = true;
	return any;
}

static void check_absence(struct result *result)
{
	struct text menus = { 0 }, commands = { 0 };

	for (size_t i = 0; i < LOADERS; i++) {
		text_print(&menus, "%s%s (%s)", i ? " and none for " : "", loaders[i]->name,
			loaders[i]->file);
		text_print(&commands, "%s\"" LOADER_PROGRAMS "%s -o %s%s\"", i ? " or " : "",
			loaders[i]->program, result->sysroot.root, result->files[i].path);
	}
	if (text_string(&menus) && text_string(&commands)) {
		findings_add(&result->findings, &no_menu,
			(struct place){ result->sysroot.root, "boot/loader", 0 },
			"there is no menu for %s, so nothing can be started", menus.bytes);
		findings_remedy(&result->findings, "run %s", commands.bytes);
	}
	result->findings.failed |= menus.failed || commands.failed;
	text_free(&menus);
	text_free(&commands);
}

/* Without the setting, libostree looks for loaders: SYSLINUX first, then GRUB. */
static bool calls_generator(int root_fd, const char *value)
{
	static const char *const paths[] = { "boot/grub/grub.cfg", "boot/grub2/grub.cfg" };
	char resolved[PATH_MAX];

	if (value && strcmp(value, "auto") != 0)
		return !strcmp(value, "grub2");
	if (path_resolve(root_fd, "boot/syslinux/syslinux.cfg", PATH_IN_ROOT, resolved) == 1)
		return false;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (path_resolve(root_fd, paths[i], PATH_IN_ROOT, resolved) >= 0)
			return true;
	return false;
}

/* Checks that the next deployment gets a menu too. */
static void check_hook(struct result *result)
{
	const struct place place = { result->sysroot.root, "ostree/repo/config", 0 };
	char *value;
	int err = repoconf_bootloader(result->sysroot.root_fd, &value);

	if (err == -ELOOP) {
		findings_add(&result->findings, &repository_unreadable, place,
			"this is not a regular file, so it is not known whether a deployment gets a menu");
		findings_remedy(&result->findings, "restore it from a backup");
	} else if (err < 0 && err != -ENOENT) {
		findings_add(&result->findings, &repository_unreadable, place,
			"this file cannot be read (%s), so it is not known whether a deployment gets a menu",
			err == -EINVAL ? "it is not a keyfile" : sysroot_why(err));
		findings_remedy(&result->findings, "correct it");
	} else if (!err && !calls_generator(result->sysroot.root_fd, value)) {
		findings_add(&result->findings, &no_hook, place,
			"sysroot.bootloader is %s, and libostree calls a generator only where it is grub2 or finds GRUB's own grub.cfg, so the next deployment may have no menu",
			value && *value ? value : "not set");
		findings_remedy(&result->findings,
			"run \"ostree --repo=%sostree/repo config set sysroot.bootloader grub2\"",
			result->sysroot.root);
	}
	free(value);
}

static void check_menus(bool any, struct result *result)
{
	for (size_t i = 0; i < LOADERS; i++) {
		if (loaders[i]->reads_grub_cfg && result->files[i].exists)
			grubdir_check(&result->sysroot, &result->bootfs, &result->findings);
		if (loaders[i]->reads_boot_scr && result->files[i].exists)
			bootscr_check(&result->sysroot, &result->findings);
	}
	if (!any && otherloader_is_there(result->sysroot.root_fd))
		return;
	if (!any && result->menu.count && !chosen)
		check_absence(result);
	check_hook(result);
}

/* Where the entry is in each menu. */
static void tell_places(const struct result *result, size_t i)
{
	for (size_t j = 0; j < LOADERS; j++) {
		const struct menufile *file = &result->files[j];

		if (file->wanted && file->exists && file->verdicts[i].in_menu)
			way_step(&result->ways[i], "%s reads %s%s, in which this entry is %s.",
				file->loader->name, result->sysroot.root, file->path,
				file->labels[i].place);
	}
}

static void check_item(
	struct result *result, const struct bootfs *rootfs, struct initrds *initrds, size_t i)
{
	const struct menu_item *item = &result->menu.items[i];
	struct subject subject = { .sysroot = &result->sysroot,
		.rootfs = rootfs,
		.findings = &result->findings,
		.way = &result->ways[i],
		.initrds = initrds,
		.item = item,
		.entry = &item->entry };

	tell_places(result, i);
	entries_check_item(&subject);
	for (size_t j = 0; j < LOADERS; j++)
		if (result->files[j].wanted)
			files_check_loader(&subject, result->files[j].loader);
	result->findings.failed |= result->ways[i].text.failed;
}

static void check(bool any, bool with_ways, struct result *result)
{
	const struct sysroot *sysroot = &result->sysroot;
	struct findings *findings = &result->findings;
	struct bootfs rootfs = { 0 };
	struct initrds initrds = { 0 };

	/* Without /proc nothing is known about it. */
	if (bootfs_find(sysroot->root_fd, &rootfs) == 0)
		bootfs_read_names(&rootfs);
	for (size_t i = 0; i < result->menu.count; i++) {
		result->ways[i].wanted = with_ways;
		check_item(result, &rootfs, &initrds, i);
	}
	initrd_forget(&initrds);
	bootfs_free(&rootfs);
	entries_check_menu(sysroot, &result->menu, findings);
	entries_check_prefix(sysroot, &result->menu, &result->bootfs, findings);
	for (size_t i = 0; i < LOADERS; i++) {
		if (!result->files[i].wanted)
			continue;
		bootfs_limits_check(sysroot, &result->bootfs, loaders[i], findings);
		menufile_check_entries(&result->files[i], findings);
		if (!entries && (result->files[i].exists || chosen))
			menufile_check(&result->files[i], findings);
	}
	if (!entries)
		check_menus(any, result);
}

/* The entry to be explained: the named one, else the first one of the menu. */
static const struct menu_item *find_item(const struct result *result)
{
	if (!explained)
		return menu_first(&result->menu);
	for (size_t i = 0; i < result->menu.count; i++)
		if (!strcmp(result->menu.items[i].name, explained))
			return &result->menu.items[i];
	return NULL;
}

static int print(const struct result *result, enum verb verb)
{
	const struct menu_item *item = find_item(result);
	struct text text = { 0 };
	int err = 0;

	if (as_json)
		print_json(&text, result, verb != VERB_LIST);
	else if (verb == VERB_LIST)
		print_menu(&text, result);
	else if (verb == VERB_CHECK)
		print_findings(&text, result);
	else if (item)
		print_way(&text, result, (size_t)(item - result->menu.items));
	if (verb == VERB_EXPLAIN && !item) {
		report(&reporter, REPORT_ERROR, "%s has no entry %s", result->sysroot.entries,
			explained ? explained : "for a menu");
		err = -ENOENT;
	}
	if (text.failed || result->findings.failed)
		err = fail_for_memory();
	else if (!err && (err = outfile_write(STDOUT_FILENO, text.bytes, text.size)) < 0)
		report(&reporter, REPORT_ERROR, "standard output cannot be written: %s",
			strerror(-err));
	text_free(&text);
	return err;
}

static int prepare_files(struct result *result)
{
	int err = 0;

	for (size_t i = 0; i < LOADERS; i++) {
		struct menufile *file = &result->files[i];

		*file = (struct menufile){
			.loader = loaders[i], .sysroot = &result->sysroot, .menu = &result->menu
		};
		if (asprintf(&file->path, "boot/loader/%s", loaders[i]->file) < 0) {
			file->path = NULL;
			err = -ENOMEM;
		}
	}
	return err;
}

static int look(struct result *result, enum verb verb)
{
	bool any;
	int err = menu_read(result->sysroot.entries_fd, &result->menu);

	if (err < 0) {
		report(&reporter, REPORT_ERROR, "%s cannot be read: %s", result->sysroot.entries,
			menu_why(err));
		return err;
	}
	result->bootfs_error = bootfs_find(result->sysroot.boot_fd, &result->bootfs);
	err = prepare_files(result);
	any = !err && choose_loaders(result->files);
	for (size_t i = 0; i < LOADERS && !err; i++)
		if (result->files[i].wanted)
			err = menufile_make(&result->files[i], &result->findings);
	if (err < 0)
		return fail_for_memory();
	if (verb != VERB_LIST) {
		result->ways = calloc(result->menu.count + 1, sizeof *result->ways);
		if (!result->ways)
			return fail_for_memory();
		check(any, as_json || verb == VERB_EXPLAIN, result);
	}
	return print(result, verb);
}

static void free_result(struct result *result)
{
	for (size_t i = 0; i < LOADERS; i++)
		menufile_free(&result->files[i]);
	for (size_t i = 0; result->ways && i < result->menu.count; i++)
		way_free(&result->ways[i]);
	free(result->ways);
	bootfs_free(&result->bootfs);
	findings_free(&result->findings);
	menu_free(&result->menu);
	sysroot_close(&result->sysroot);
}

/* Returns the exit status. */
static int run(const struct sysroot_wish *wish, enum verb verb)
{
	struct menufile files[LOADERS] = { 0 };
	struct result result = { .files = files, .file_count = LOADERS };
	int err = sysroot_open(wish, &reporter, &result.sysroot);

	if (!err && result.sysroot.boot_fd < 0) {
		report(&reporter, REPORT_ERROR, "the sysroot %s has no directory boot",
			result.sysroot.root);
		err = -1;
	}
	if (!err)
		err = look(&result, verb);
	if (verb == VERB_CHECK && result.findings.errors)
		err = -1;
	free_result(&result);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool loader_valid(void)
{
	struct text words = { 0 };

	for (size_t i = 0; i < LOADERS; i++)
		if (!chosen || !strcmp(chosen, loaders[i]->word))
			return true;
	add_words(&words);
	text_print(&words, ", not %s", chosen);
	(void)args_usage(
		&reporter, "--loader is ", text_string(&words) ? words.bytes : "something else");
	text_free(&words);
	return false;
}

static int print_help(void)
{
	struct text words = { 0 };
	int failed;

	add_words(&words);
	failed = !text_string(&words) || printf(help, words.bytes) < 0 || fflush(stdout) == EOF;
	text_free(&words);
	return failed;
}

/* Checks the command line. Returns false with the reason reported. */
static bool valid(const char *word, const struct sysroot_wish *wish, enum verb *ret_verb)
{
	enum verb verb = VERB_LIST;

	while (word && verbs[verb] && strcmp(word, verbs[verb]) != 0)
		verb++;
	*ret_verb = verb;
	if (!word)
		(void)args_usage(&reporter, "list, check or explain is missing", "");
	else if (!verbs[verb])
		(void)args_unknown(
			&reporter, "the first word is list, check or explain, not ", word, verbs);
	else if (explained && verb != VERB_EXPLAIN)
		(void)args_usage(&reporter, "--entry is for explain", "");
	else if (loader_valid())
		return sysroot_wish_valid(wish, &reporter);
	return false;
}

int main(int argc, char *argv[])
{
	int skip = argc > 1 && argv[1][0] != '-', status = 2;
	const char *word = skip ? argv[1] : NULL;
	enum verb verb;
	struct sysroot_wish wish = { .out = "-" };
	char *usual;

	report_prepare();
	switch (args_parse(argc - skip, argv + skip, options, &reporter)) {
	case ARGS_HELP:
		return print_help();
	case ARGS_VERSION:
		return puts("rootstock-bls " VERSION) == EOF || fflush(stdout) == EOF;
	case ARGS_USAGE:
		return status;
	case ARGS_RUN:
		break;
	}
	if (asprintf(&usual, "%s%sboot/loader/entries", root,
		    *root && root[strlen(root) - 1] == '/' ? "" : "/") < 0)
		return fail_for_memory() < 0;
	wish.root = root;
	wish.entries = entries ? entries : usual;
	wish.prefix = prefix;
	if (valid(word, &wish, &verb))
		status = run(&wish, verb);
	free(usual);
	return status;
}
