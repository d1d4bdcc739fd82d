/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rootstock-bls: what loaders will make of a system's entries, and what is wrong with them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/args.h"
#include "bls/deployment.h"
#include "bls/outfile.h"
#include "bls/file.h"
#include "bls/check/entries.h"
#include "bls/check/bootfs-limits.h"
#include "bls/check/otherloader.h"
#include "bls/check/repoconf.h"
#include "bls/settings.h"
#include "bls/check/print.h"
#include "bls/sysroot.h"
#include "grub/grubconf.h"
#include "grub/ident.h"
#include "grub/grubcfg.h"
#include "grub/title.h"
#include "prepare-root/path.h"
#include "uboot/uenv.h"
#include "uboot/ubootconf.h"

#define GENERATORS "/usr/lib/ostree/"

enum { MENU_SIZE_MAX = MENU_ENTRIES_MAX * ENTRY_SIZE_MAX };

static const char help[] =
	"usage: rootstock-bls list|check [OPTION]...\n"
	"\n"
	"list shows the boot loader entries of a system in the order of their menu, and what\n"
	"GRUB and U-Boot make of them. check says what is wrong with them.\n"
	"\n"
	"  --root DIR           the sysroot; default: /\n"
	"  --entries DIR        the entries; default: boot/loader/entries in the sysroot\n"
	"  --boot-prefix PREFIX what a loader needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --loader LOADER      grub or uboot; default: each that has a menu in boot/loader, or both\n"
	"  --json               for programs\n"
	"  --help, --version    print this, or the version\n";

static const struct reporter reporter = { .program = "rootstock-bls" };

static const char *root = "/", *entries, *prefix = "auto", *loader;
static bool as_json;

static const struct args_option options[] = {
	{ "root", &root, NULL },
	{ "entries", &entries, NULL },
	{ "boot-prefix", &prefix, NULL },
	{ "loader", &loader, NULL },
	{ "json", NULL, &as_json },
	{ 0 },
};

static struct plan {
	struct outcome_loader loader;
	const char *option; /* for --loader */
	const char *file;   /* the menu, in ROOT */
	const char *settings_file;
	struct setting *settings;
	int (*check_settings)(const struct reporter *reporter);
} plans[SHOW_LOADERS] = {
	[SHOW_GRUB] = { { "GRUB", GENERATORS "ostree-grub-generator", NULL, grubcfg_from_entries },
		"grub", "boot/loader/grub.cfg", GRUBCONF_FILE, grubconf_settings, grubconf_check },
	[SHOW_UBOOT] = { { "U-Boot", GENERATORS "ostree-uboot-generator",
				 "ostree-uboot-generator has not written this, and boot.cmd takes no other",
				 uenv_from_entries },
		"uboot", "boot/loader/uEnv.txt", UBOOTCONF_FILE, ubootconf_settings,
		ubootconf_check },
};

struct check {
	struct sysroot sysroot;
	bool has_menu; /* a loader's, beside the entries */
	struct show show;
};

static int fail_for_memory(void)
{
	report(&reporter, REPORT_ERROR, "there is not enough memory");
	return -1;
}

static int read_menu(const struct check *check, struct menu *ret_menu)
{
	int err = menu_read(check->sysroot.entries_fd, ret_menu);

	if (err < 0)
		report(&reporter, REPORT_ERROR, "%s cannot be read: %s", check->sysroot.entries,
			err == -E2BIG ? "there are more than 512 entries" : strerror(-err));
	return err;
}

/* The directory is read once for each loader, and a deployment may come in between. */
static int read_menu_again(const struct check *check, struct menu *ret_menu)
{
	const struct menu *menu = &check->show.menu;
	int err = read_menu(check, ret_menu);
	bool same = !err && ret_menu->count == menu->count;

	for (size_t i = 0; same && i < menu->count; i++)
		same = !strcmp(ret_menu->items[i].name, menu->items[i].name);
	if (!err && !same)
		report(&reporter, REPORT_ERROR, "%s has changed meanwhile: try again",
			check->sysroot.entries);
	return same ? 0 : -1;
}

static int read_file(const struct check *check, const struct plan *plan, struct text *bytes)
{
	char path[PATH_MAX];
	int err = path_resolve(check->sysroot.root_fd, plan->file, PATH_IN_ROOT, path);

	return err < 0 ? err : file_add(check->sysroot.root_fd, path, MENU_SIZE_MAX, bytes);
}

static bool has_menu(const struct check *check, const struct plan *plan)
{
	size_t standin = strlen(UENV_STANDIN);
	struct text bytes = { 0 };
	int err = read_file(check, plan, &bytes);
	bool is_menu =
		!err && (bytes.size != standin || memcmp(bytes.bytes, UENV_STANDIN, standin) != 0);

	text_free(&bytes);
	return is_menu || (err < 0 && err != -ENOENT);
}

static void choose_loaders(struct check *check)
{
	struct outcome *outcomes = check->show.outcomes;
	bool any = loader;

	for (size_t i = 0; i < SHOW_LOADERS; i++) {
		bool has = has_menu(check, &plans[i]);

		check->has_menu |= has;
		outcomes[i].wanted = loader ? !strcmp(loader, plans[i].option) : has;
		any |= has;
	}
	for (size_t i = 0; i < SHOW_LOADERS; i++)
		outcomes[i].wanted |= !any;
}

static void read_settings(struct check *check, struct plan *plan)
{
	const struct menu_item *first = menu_first(&check->show.menu);
	int fd = first && !first->error
			 ? deployment_find(check->sysroot.root_fd, first->entry.options)
			 : -1;

	if (fd < 0)
		return;
	if (settings_read(fd, plan->settings_file, plan->settings, NULL) < 0 ||
		plan->check_settings(NULL) < 0)
		findings_add(&check->show.findings, FINDINGS_ERROR, check->sysroot.entries, 0,
			"%s of the default deployment is not in order, so no menu can be made; run \"%s -o - --root %s --entries %s\" to see why",
			plan->settings_file, plan->loader.generator, check->sysroot.root,
			check->sysroot.entries);
	close(fd);
}

static int render_grub(const struct check *check, struct outcome *outcome)
{
	const struct grubcfg_style style = {
		.rules.prefix = check->sysroot.prefix,
		.rules.boot_fd = check->sysroot.boot_fd,
		.rules.allow_lossy = grubconf_allows_lossy(),
	};

	(void)grubcfg_render(&outcome->made, &outcome->menu, &style);
	if (title_make(&outcome->menu, outcome->titles) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < outcome->menu.count; i++) {
		struct text id = { 0 };

		if (outcome->menu.items[i].error)
			continue;
		ident_add(&id, &outcome->menu.items[i]);
		text_add_bytes(&id, "", 1);
		outcome->ids[i] = id.bytes;
		if (id.failed)
			return -ENOMEM;
	}
	return 0;
}

static void render_uboot(const struct check *check, struct outcome *outcome)
{
	const struct text lines = { 0 };
	const struct uenv_style style = {
		.prefix = check->sysroot.prefix,
		.boot_fd = check->sysroot.boot_fd,
		.ostree = ubootconf_settings[UBOOTCONF_COMPAT].value,
		.keep = ubootconf_settings[UBOOTCONF_KEEP].value,
		.lines = &lines,
	};

	(void)uenv_render(&outcome->made, &outcome->menu, &style);
}

/* Lets the loader's own renderer do its work, and keeps account of what is in its menu. */
static int render(struct check *check, size_t which)
{
	struct outcome *outcome = &check->show.outcomes[which];
	size_t count = 0;
	int err = read_menu_again(check, &outcome->menu);

	if (err < 0)
		return err;
	read_settings(check, &plans[which]);
	if (which == SHOW_GRUB)
		err = render_grub(check, outcome);
	else
		render_uboot(check, outcome);
	if (err < 0 || outcome->made.failed)
		return fail_for_memory();
	for (size_t i = 0; i < outcome->menu.count; i++)
		if (!outcome->menu.items[i].error && !menu_hidden(&outcome->menu.items[i]))
			outcome->numbers[i] = ++count;
	return 0;
}

static void judge_file(struct check *check, size_t which)
{
	const struct plan *plan = &plans[which];
	struct findings *findings = &check->show.findings;
	struct text bytes = { 0 };
	int err = read_file(check, plan, &bytes);
	char *file;

	if (asprintf(&file, "%s%s", check->sysroot.root, plan->file) < 0) {
		findings->failed = true;
	} else {
		if (!err)
			menufile_check(&check->show.outcomes[which], &plan->loader, file, &bytes,
				findings);
		else if (err != -ENOENT || loader)
			findings_add(findings, FINDINGS_ERROR, file, 0,
				"this menu cannot be read (%s); run \"%s -o %s\"", sysroot_why(err),
				plan->loader.generator, file);
		free(file);
	}
	text_free(&bytes);
}

static void judge_absence(struct check *check, const char *file)
{
	const char *top = check->sysroot.root;

	findings_add(&check->show.findings, FINDINGS_ERROR, file, 0,
		"there is no menu for GRUB (grub.cfg) and none for U-Boot (uEnv.txt), so nothing can be started; run \"%s -o %s%s\" or \"%s -o %s%s\"",
		plans[SHOW_GRUB].loader.generator, top, plans[SHOW_GRUB].file,
		plans[SHOW_UBOOT].loader.generator, top, plans[SHOW_UBOOT].file);
}

/* Whether the next deployment gets a menu too. */
static void judge_hook(struct check *check, const char *file)
{
	struct findings *findings = &check->show.findings;
	char *value;
	int err = repoconf_bootloader(check->sysroot.root_fd, &value);

	if (err < 0 && err != -ENOENT)
		findings_add(findings, FINDINGS_WARNING, file, 0,
			"this file cannot be read (%s), so nothing tells whether a deployment gets a menu; mend it",
			err == -EINVAL ? "it is no keyfile" : sysroot_why(err));
	else if (!err && (!value || strcmp(value, "grub2") != 0))
		findings_add(findings, FINDINGS_WARNING, file, 0,
			"sysroot.bootloader is %s, and libostree calls a generator only where it is grub2, so the next deployment may have no menu; run \"ostree --repo=%sostree/repo config set sysroot.bootloader grub2\"",
			value && *value ? value : "not set", check->sysroot.root);
	free(value);
}

static void judge_menus(struct check *check)
{
	const char *top = check->sysroot.root;
	char *loader_dir, *config = NULL;

	if (!check->has_menu && otherloader_is_there(check->sysroot.root_fd))
		return;
	if (asprintf(&loader_dir, "%sboot/loader", top) < 0) {
		check->show.findings.failed = true;
		return;
	}
	if (asprintf(&config, "%sostree/repo/config", top) < 0) {
		check->show.findings.failed = true;
	} else {
		if (!check->has_menu && check->show.menu.count && !loader)
			judge_absence(check, loader_dir);
		judge_hook(check, config);
		free(config);
	}
	free(loader_dir);
}

static int judge(struct check *check)
{
	struct show *show = &check->show;
	const struct sysroot *sysroot = &check->sysroot;
	struct menu spare;
	int err = read_menu_again(check, &spare);

	for (size_t i = 0; i < show->menu.count && !err; i++)
		entries_check_item(sysroot, &show->menu.items[i], &show->findings);
	if (!err) {
		entries_check_menu(sysroot, &show->menu, &spare, &show->findings);
		entries_check_prefix(sysroot, &show->menu, &show->bootfs, &show->findings);
	}
	menu_free(&spare);
	for (size_t i = 0; i < SHOW_LOADERS && !err; i++) {
		if (!show->outcomes[i].wanted)
			continue;
		bootfs_limits_check(sysroot, &show->bootfs,
			i == SHOW_GRUB ? LAYOUT_GRUB : LAYOUT_UBOOT, &show->findings);
		menufile_check_entries(&show->outcomes[i], &plans[i].loader, &show->menu,
			check->sysroot.entries, &show->findings);
		if (!entries)
			judge_file(check, i);
	}
	if (!err && !entries)
		judge_menus(check);
	return err;
}

static int print(const struct show *show, bool with_findings)
{
	struct text text = { 0 };
	int err = 0;

	if (as_json)
		print_json(&text, show, with_findings);
	else if (with_findings)
		print_findings(&text, show);
	else
		print_menu(&text, show);
	if (text.failed || show->findings.failed)
		err = fail_for_memory();
	else if ((err = outfile_write(STDOUT_FILENO, text.bytes, text.size)) < 0)
		report(&reporter, REPORT_ERROR, "standard output cannot be written: %s",
			strerror(-err));
	text_free(&text);
	return err;
}

static int look(struct check *check, bool with_findings)
{
	struct show *show = &check->show;
	int err = read_menu(check, &show->menu);

	show->root = check->sysroot.root;
	show->entries = check->sysroot.entries;
	show->prefix = check->sysroot.prefix;
	show->bootfs_error = bootfs_find(check->sysroot.boot_fd, &show->bootfs);
	choose_loaders(check);
	for (size_t i = 0; i < SHOW_LOADERS && !err; i++)
		if (show->outcomes[i].wanted)
			err = render(check, i);
	if (!err && with_findings)
		err = judge(check);
	return err ? err : print(show, with_findings);
}

static void free_show(struct show *show)
{
	for (size_t i = 0; i < SHOW_LOADERS; i++) {
		outcome_free(&show->outcomes[i]);
		settings_free(plans[i].settings);
	}
	bootfs_free(&show->bootfs);
	findings_free(&show->findings);
	menu_free(&show->menu);
}

/* Returns the exit status. */
static int run(const struct sysroot_wish *wish, bool with_findings)
{
	static struct check check;
	int err = sysroot_open(wish, &reporter, &check.sysroot);

	if (!err && check.sysroot.boot_fd < 0) {
		report(&reporter, REPORT_ERROR, "the sysroot %s has no directory boot",
			check.sysroot.root);
		err = -1;
	}
	if (!err)
		err = look(&check, with_findings);
	if (with_findings && check.show.findings.errors)
		err = -1;
	free_show(&check.show);
	sysroot_close(&check.sysroot);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Returns false, with the reason reported, for what cannot mean anything. */
static bool valid(const char *verb, const struct sysroot_wish *wish)
{
	if (!verb)
		(void)args_usage(&reporter, "list or check is missing", "");
	else if (strcmp(verb, "list") != 0 && strcmp(verb, "check") != 0)
		(void)args_usage(&reporter, "the first word is list or check, not ", verb);
	else if (loader && strcmp(loader, "grub") != 0 && strcmp(loader, "uboot") != 0)
		(void)args_usage(&reporter, "--loader is grub or uboot, not ", loader);
	else
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
		return fputs(help, stdout) == EOF || fflush(stdout) == EOF;
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
