/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rootstock-bls: shows what loaders make of a system's entries, and what is wrong with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/args.h"
#include "bls/check/bootfs-limits.h"
#include "bls/check/entries.h"
#include "bls/check/otherloader.h"
#include "bls/check/print.h"
#include "bls/check/repoconf.h"
#include "bls/outfile.h"
#include "grub/loader.h"
#include "uboot/loader.h"

/* All loaders, in the order of the output: the one list of them. */
static const struct loader *const loaders[] = { &grub_loader, &uboot_loader };

enum { LOADERS = sizeof loaders / sizeof *loaders };

static const char help[] =
	"usage: rootstock-bls list|check [OPTION]...\n"
	"\n"
	"list shows the boot loader entries of a system in the order of their menu, and what\n"
	"each boot loader makes of them. check reports what is wrong with them.\n"
	"\n"
	"  --root DIR           the sysroot; default: /\n"
	"  --entries DIR        the entries; default: boot/loader/entries in the sysroot\n"
	"  --boot-prefix PREFIX what a loader needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --loader LOADER      %s; default: each that has a menu in boot/loader, or all\n"
	"  --json               for programs\n"
	"  --help, --version    print this, or the version\n";

static const struct reporter reporter = { .program = "rootstock-bls" };

static const char *root = "/", *entries, *prefix = "auto", *chosen;
static bool as_json;

static const struct args_option options[] = {
	{ "root", &root, NULL },
	{ "entries", &entries, NULL },
	{ "boot-prefix", &prefix, NULL },
	{ "loader", &chosen, NULL },
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
	if (text_string(&menus) && text_string(&commands))
		findings_add(&result->findings, FINDINGS_ERROR,
			(struct place){ result->sysroot.root, "boot/loader", 0 },
			"there is no menu for %s, so nothing can be started; run %s", menus.bytes,
			commands.bytes);
	result->findings.failed |= menus.failed || commands.failed;
	text_free(&menus);
	text_free(&commands);
}

/* Checks that the next deployment gets a menu too. */
static void check_hook(struct result *result)
{
	const struct place place = { result->sysroot.root, "ostree/repo/config", 0 };
	char *value;
	int err = repoconf_bootloader(result->sysroot.root_fd, &value);

	if (err < 0 && err != -ENOENT)
		findings_add(&result->findings, FINDINGS_WARNING, place,
			"this file cannot be read (%s), so it is not known whether a deployment gets a menu; correct it",
			err == -EINVAL ? "it is not a keyfile" : sysroot_why(err));
	else if (!err && (!value || strcmp(value, "grub2") != 0))
		findings_add(&result->findings, FINDINGS_WARNING, place,
			"sysroot.bootloader is %s, and libostree calls a generator only where it is grub2, so the next deployment may have no menu; run \"ostree --repo=%sostree/repo config set sysroot.bootloader grub2\"",
			value && *value ? value : "not set", result->sysroot.root);
	free(value);
}

static void check_menus(bool any, struct result *result)
{
	if (!any && otherloader_is_there(result->sysroot.root_fd))
		return;
	if (!any && result->menu.count && !chosen)
		check_absence(result);
	check_hook(result);
}

static void check(bool any, struct result *result)
{
	const struct sysroot *sysroot = &result->sysroot;
	struct findings *findings = &result->findings;

	for (size_t i = 0; i < result->menu.count; i++)
		entries_check_item(sysroot, &result->menu.items[i], findings);
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

static int print(const struct result *result, bool with_findings)
{
	struct text text = { 0 };
	int err = 0;

	if (as_json)
		print_json(&text, result, with_findings);
	else if (with_findings)
		print_findings(&text, result);
	else
		print_menu(&text, result);
	if (text.failed || result->findings.failed)
		err = fail_for_memory();
	else if ((err = outfile_write(STDOUT_FILENO, text.bytes, text.size)) < 0)
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

static int look(struct result *result, bool with_findings)
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
	if (with_findings)
		check(any, result);
	return print(result, with_findings);
}

static void free_result(struct result *result)
{
	for (size_t i = 0; i < LOADERS; i++)
		menufile_free(&result->files[i]);
	bootfs_free(&result->bootfs);
	findings_free(&result->findings);
	menu_free(&result->menu);
	sysroot_close(&result->sysroot);
}

/* Returns the exit status. */
static int run(const struct sysroot_wish *wish, bool with_findings)
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
		err = look(&result, with_findings);
	if (with_findings && result.findings.errors)
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
static bool valid(const char *verb, const struct sysroot_wish *wish)
{
	static const char *const verbs[] = { "list", "check", NULL };

	if (!verb)
		(void)args_usage(&reporter, "list or check is missing", "");
	else if (strcmp(verb, "list") != 0 && strcmp(verb, "check") != 0)
		(void)args_unknown(&reporter, "the first word is list or check, not ", verb, verbs);
	else if (loader_valid())
		return sysroot_wish_valid(wish, &reporter);
	return false;
}

int main(int argc, char *argv[])
{
	int skip = argc > 1 && argv[1][0] != '-', status = 2;
	const char *verb = skip ? argv[1] : NULL;
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
	if (valid(verb, &wish))
		status = run(&wish, !strcmp(verb, "check"));
	free(usual);
	return status;
}
