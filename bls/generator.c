/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/generator.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/deployment.h"
#include "bls/outfile.h"
#include "prepare-root/path.h"

static void report_line(const struct loader_job *job, size_t i, const struct where *where)
{
	const struct verdict *verdict = &job->verdicts[i];
	char number[16] = "";

	if (where->line)
		(void)snprintf(number, sizeof number, ":%u", where->line);
	report(job->reporter, verdict->error ? REPORT_ERROR : REPORT_WARNING, "%s/%s%s: %s%s%s%s",
		job->sysroot->entries, job->menu->items[i].name, number, where->what,
		verdict->error ? "; this entry is left out of the menu" : "",
		verdict->remedy ? "; " : "", verdict->remedy ? verdict->remedy : "");
}

static void report_verdicts(const struct loader_job *job)
{
	for (size_t i = 0; i < job->menu->count; i++) {
		const struct verdict *verdict = &job->verdicts[i];

		if (verdict->error)
			report_line(job, i, &verdict->where);
		for (unsigned j = 0; verdict->in_menu && j < verdict->warning_count; j++)
			report_line(job, i, &verdict->warnings[j]);
	}
}

/* Reports what the menu lacks. Returns 0 if what remains may be written, else -1. */
static int judge(const struct loader *loader, const struct loader_job *job, size_t count)
{
	const struct menu_item *first = menu_first(job->menu);

	report_verdicts(job);
	if (!job->menu->count) {
		/* Right after the last deployment was undeployed; by hand, it may be the wrong
		 * directory. */
		report(job->reporter, REPORT_WARNING,
			"%s has no entry at all, so the menu is empty", job->sysroot->entries);
	} else if (!count) {
		report(job->reporter, REPORT_ERROR,
			"%s has no entry that %s could boot, so no menu is written",
			job->sysroot->entries, loader->name);
		return -1;
	}
	/* If another entry came first, the old tree would boot while the deployment reports
	 * success. */
	if (job->reporter->hook && first && job->verdicts[first - job->menu->items].error) {
		report(job->reporter, REPORT_ERROR,
			"%s is the entry to be booted next, so the deployment must not go on without it",
			first->name);
		return -1;
	}
	return 0;
}

/* Finds the menu that this one replaces when libostree swaps the symlink loader. */
static bool find_live(const struct sysroot *sysroot, const char *name, struct stat *ret_live)
{
	char path[PATH_MAX], resolved[PATH_MAX];

	return snprintf(path, sizeof path, "boot/loader/%s", name) < PATH_MAX &&
	       path_resolve(sysroot->root_fd, path, PATH_IN_ROOT, resolved) >= 0 &&
	       fstatat(sysroot->root_fd, resolved, ret_live, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(ret_live->st_mode);
}

static int write_file(const struct loader_job *job, int dir_fd, const char *name, const char *shown,
	const char *bytes, size_t size)
{
	bool live = dir_fd < 0 || sysroot_is_live(job->sysroot, dir_fd);
	struct stat like;
	int err;

	if (dir_fd < 0)
		err = outfile_write(STDOUT_FILENO, bytes, size);
	else
		err = outfile_replace(dir_fd, name, bytes, size, live,
			!live && find_live(job->sysroot, name, &like) ? &like : NULL);
	if (err < 0)
		report(job->reporter, REPORT_ERROR, "%s cannot be written: %s", shown,
			err == -EEXIST ? "it exists and is not a regular file" : strerror(-err));
	return err;
}

/* Writes the loader's file beside the entries, then the one that libostree waits for. */
static int write_in_hook(
	const struct loader *loader, const struct loader_job *job, const struct text *text)
{
	const struct sysroot *sysroot = job->sysroot;
	int err;

	if (sysroot->loader_fd < 0) {
		report(job->reporter, REPORT_ERROR,
			"libostree's loader.%s, for %s, is not there: use --root",
			getenv("_OSTREE_GRUB2_BOOTVERSION"), loader->file);
		return -1;
	}
	err = write_file(
		job, sysroot->loader_fd, loader->file, loader->file, text->bytes, text->size);
	if (!err)
		err = write_file(job, sysroot->out_fd, sysroot->out_name, sysroot->out,
			loader->standin, strlen(loader->standin));
	return err;
}

static int write_out(
	const struct loader *loader, const struct loader_job *job, const struct text *text)
{
	const struct sysroot *sysroot = job->sysroot;

	if (job->reporter->hook && loader->standin && sysroot->out_fd >= 0 &&
		strcmp(sysroot->out_name, loader->file) != 0)
		return write_in_hook(loader, job, text);
	return write_file(job, sysroot->out_fd, sysroot->out_name,
		sysroot->out_fd < 0 ? "standard output" : sysroot->out, text->bytes, text->size);
}

/* -1 if the entry has no ostree=, or its bootlink is missing. */
static int open_deployment(const struct loader_job *job)
{
	const struct menu_item *first = menu_first(job->menu);
	int fd;

	if (!first || first->error)
		return -1;
	if (job->sysroot->root_fd < 0) {
		if (strstr(first->entry.options, "ostree="))
			report(job->reporter, REPORT_WARNING,
				"the sysroot is not known, so the settings of the deployment are not read: use --root");
		return -1;
	}
	fd = deployment_find(job->sysroot->root_fd, first->entry.options);
	if (fd < 0 && fd != -ENOENT)
		report(job->reporter, REPORT_WARNING,
			"%s: the deployment that ostree= leads to cannot be opened, so its settings are not read: %s",
			first->name, strerror(-fd));
	return fd < 0 ? -1 : fd;
}

static int render(const struct generator *generator, const struct loader_job *job)
{
	const struct loader *loader = generator->loader;
	struct text text = { 0 };
	size_t count = 0;
	int err = 0;

	if (job->deployment_fd >= 0)
		err = settings_read(
			job->deployment_fd, loader->settings_file, loader->settings, job->reporter);
	if (!err)
		err = loader->check_settings(job->reporter);
	if (!err)
		err = generator->prepare(job);
	if (!err)
		count = loader->render(job, &text);
	if (!err && text.failed) {
		report(job->reporter, REPORT_ERROR, "there is not enough memory for the menu");
		err = -1;
	}
	if (!err)
		err = judge(loader, job, count);
	if (!err)
		err = write_out(loader, job, &text);
	text_free(&text);
	settings_free(loader->settings);
	return err;
}

static int generate(const struct generator *generator, const struct reporter *reporter,
	const struct sysroot *sysroot)
{
	struct menu menu;
	int err = menu_read(sysroot->entries_fd, &menu);
	struct loader_job job = {
		.reporter = reporter,
		.sysroot = sysroot,
		.menu = &menu,
		.verdicts = err ? NULL : verdict_new(&menu),
		.deployment_fd = -1,
	};

	if (!err && !job.verdicts)
		err = -ENOMEM;
	if (err < 0) {
		report(reporter, REPORT_ERROR, "%s cannot be read: %s", sysroot->entries,
			menu_why(err));
	} else {
		job.deployment_fd = open_deployment(&job);
		err = render(generator, &job);
	}
	if (job.deployment_fd >= 0)
		close(job.deployment_fd);
	free(job.verdicts);
	menu_free(&menu);
	return err;
}

/* Joins the common options and the generator's own. */
static void list_options(const struct generator *generator, struct sysroot_wish *wish,
	struct args_option ret_options[ARGS_OPTIONS_MAX])
{
	const struct args_option common[] = {
		{ "o", &wish->out, NULL },
		{ "root", &wish->root, NULL },
		{ "entries", &wish->entries, NULL },
		{ "boot-prefix", &wish->prefix, NULL },
	};
	size_t count = sizeof common / sizeof *common;

	memcpy(ret_options, common, sizeof common);
	for (const struct args_option *own = generator->options; own->name; own++)
		ret_options[count++] = *own;
	ret_options[count] = (struct args_option){ 0 };
}

int generator_main(const struct generator *generator, int argc, char *const argv[])
{
	const struct reporter reporter = {
		.program = generator->loader->program,
		.hook = getenv("_OSTREE_GRUB2_BOOTVERSION") != NULL,
	};
	struct sysroot_wish wish = { .prefix = "auto" };
	struct args_option options[ARGS_OPTIONS_MAX];
	struct sysroot sysroot;
	int err;

	report_prepare();
	list_options(generator, &wish, options);
	switch (args_parse(argc, argv, options, &reporter)) {
	case ARGS_HELP:
		return fputs(generator->help, stdout) == EOF || fflush(stdout) == EOF;
	case ARGS_VERSION:
		return printf("%s " VERSION "\n", generator->loader->program) < 0 ||
		       fflush(stdout) == EOF;
	case ARGS_USAGE:
		return 2;
	case ARGS_RUN:
		break;
	}
	if (!sysroot_wish_valid(&wish, &reporter) || !generator->options_valid(&reporter))
		return 2;
	err = sysroot_open(&wish, &reporter, &sysroot);
	if (!err)
		err = generate(generator, &reporter, &sysroot);
	sysroot_close(&sysroot);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
