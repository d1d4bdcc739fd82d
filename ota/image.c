/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rootstock-image: makes an OSTree commit of an ordinary root file system. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bls/report.h"
#include "ota/accounts.h"
#include "ota/commit.h"
#include "ota/convert.h"
#include "ota/delta.h"
#include "ota/fault.h"
#include "ota/interrupt.h"
#include "prepare-root/closest.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static const struct reporter reporter = { .program = "rootstock-image" };

static const char summary[] =
	"Makes an OSTree commit of an ordinary root file system: a directory, a tar, a disk\n"
	"image, or several, of which the later lie over the earlier. Needs no root.\n"
	"\n"
	"  check SOURCE...              what would be moved, left out and lost, and what would\n"
	"                               not boot; changes nothing\n"
	"  commit --repo DIR SOURCE...  the same, and the commit\n"
	"  delta --repo DIR             what has changed since the last commit: for devices that\n"
	"                               pull, or with -o one file for devices without a network\n"
	"  serve --repo DIR             offer the repository to this machine, to try it\n"
	"\n"
	"rootstock-image(1) explains the rules, which --without leaves out by name.";

static char *repo_path, *branch = "rootstock/main", *subject = "", *release, *kernel, *initramfs,
			*devicetree, *programs, *bootloader, *metadata_file, *gpg_home, *from,
			*file, *port = "8080";
static char **sources, **without, **kargs, **gpg_keys, **allowed_keys, **modules;
static gboolean as_json, quiet, show_version, allow_no_boot, allow_id_changes, no_bsdiff;

static const GOptionEntry options[] = { { "repo", 0, 0, G_OPTION_ARG_FILENAME, &repo_path,
						"the repository; is made if it is not there",
						"DIR" },
	{ "branch", 0, 0, G_OPTION_ARG_STRING, &branch, "default: rootstock/main", "NAME" },
	{ "subject", 0, 0, G_OPTION_ARG_STRING, &subject, "a line about the commit", "TEXT" },
	{ "release", 0, 0, G_OPTION_ARG_STRING, &release,
		"the version of the tree; default: the last one, counted up", "TEXT" },
	{ "kernel", 0, 0, G_OPTION_ARG_STRING, &kernel,
		"the release or file name of the kernel, if there are several", "WHICH" },
	{ "initramfs", 0, 0, G_OPTION_ARG_FILENAME, &initramfs,
		"default: none; auto makes one of the tree's modules", "auto|FILE" },
	{ "module", 0, 0, G_OPTION_ARG_STRING_ARRAY, &modules,
		"one more module for --initramfs auto", "NAME" },
	{ "dtb", 0, 0, G_OPTION_ARG_FILENAME, &devicetree, "the device tree of the board", "FILE" },
	{ "programs", 0, 0, G_OPTION_ARG_FILENAME, &programs,
		"rootstock's programs for the tree's architecture", "DIR" },
	{ "bootloader", 0, 0, G_OPTION_ARG_STRING, &bootloader, "default: grub for x86, else uboot",
		"grub|uboot" },
	{ "karg", 0, 0, G_OPTION_ARG_STRING_ARRAY, &kargs,
		"a kernel argument of this tree; can be repeated", "WORD" },
	{ "metadata", 0, 0, G_OPTION_ARG_FILENAME, &metadata_file,
		"a JSON file that devices read before an update", "FILE" },
	{ "gpg-sign", 0, 0, G_OPTION_ARG_STRING_ARRAY, &gpg_keys, "sign with this key", "KEY" },
	{ "gpg-homedir", 0, 0, G_OPTION_ARG_FILENAME, &gpg_home, "where the key is", "DIR" },
	{ "without", 0, 0, G_OPTION_ARG_STRING_ARRAY, &without, "leave out this rule", "RULE" },
	{ "allow-key", 0, 0, G_OPTION_ARG_STRING_ARRAY, &allowed_keys,
		"this file of the source may have a private key", "PATH" },
	{ "allow-no-boot", 0, 0, G_OPTION_ARG_NONE, &allow_no_boot,
		"commit also what would not boot", NULL },
	{ "allow-id-changes", 0, 0, G_OPTION_ARG_NONE, &allow_id_changes,
		"users may have other numbers than in the commit before", NULL },
	{ "from", 0, 0, G_OPTION_ARG_STRING, &from,
		"the commit from which a delta leads; none: from nothing", "REV" },
	{ "no-bsdiff", 0, 0, G_OPTION_ARG_NONE, &no_bsdiff,
		"a larger delta, which a weak device applies faster", NULL },
	{ "output", 'o', 0, G_OPTION_ARG_FILENAME, &file, "the file of a delta", "FILE" },
	{ "port", 0, 0, G_OPTION_ARG_STRING, &port, "default: 8080", "N" },
	{ "json", 0, 0, G_OPTION_ARG_NONE, &as_json, "for programs", NULL },
	{ "quiet", 0, 0, G_OPTION_ARG_NONE, &quiet, "no progress", NULL },
	{ "version", 0, 0, G_OPTION_ARG_NONE, &show_version, "print the version", NULL },
	{ G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &sources, NULL,
		"COMMAND [SOURCE...]" },
	{ 0 } };

static int usage(const char *what, const char *which)
{
	report(&reporter, REPORT_ERROR, "%s%s; try --help", what, which);
	return USAGE;
}

static int failed(const GError *error)
{
	g_autoptr(GError) signal = NULL;

	/* A signal also makes reading fail. */
	report(&reporter, REPORT_ERROR, "%s",
		interrupt_check(&signal) ? error->message : signal->message);
	return FAILED;
}

static gboolean find_rules(place_without *ret_without)
{
	*ret_without = 0;
	for (gsize i = 0; without && without[i]; i++) {
		enum place_rule rule = place_rule_of(without[i]);

		if (!rule) {
			usage("--without: there is no such rule, or it is always needed: ",
				without[i]);
			return FALSE;
		}
		*ret_without |= 1U << rule;
	}
	return TRUE;
}

/* Says what is in the ledger. Returns whether the tree is fit to be committed. */
static gboolean tell(const struct converted *converted, gboolean *ret_printed)
{
	*ret_printed = ledger_print(converted->ledger, as_json);
	return !ledger_count(converted->ledger, LEDGER_REFUSED) &&
	       (allow_no_boot || !ledger_count(converted->ledger, LEDGER_NO_BOOT));
}

static int check(const struct convert *plan)
{
	g_autoptr(GError) error = NULL;
	struct objects nothing = { 0 };
	struct converted converted = { 0 };
	gboolean printed = TRUE;
	int status = DONE;

	if (!convert(plan, &nothing, &converted, &error))
		status = failed(error);
	else if (!tell(&converted, &printed))
		status = FAILED;
	converted_free(&converted);
	return printed ? status : FAILED;
}

/* Writes the commit of a tree, unless the ledger forbids it. */
static int write_commit(struct objects *objects, const struct converted *converted)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *metadata = NULL, *checksum = NULL, *version = NULL;
	struct commit commit = { .branch = branch,
		.subject = subject,
		.version = release,
		.release = converted->release,
		.kargs = (const char *const *)kargs,
		.gpg_keys = (const char *const *)gpg_keys,
		.gpg_home = gpg_home,
		.newest = converted->newest };
	gboolean printed, fit = tell(converted, &printed);

	if (!fit)
		report(&reporter, REPORT_ERROR,
			"nothing was committed, because of what was refused or would not boot");
	if (!fit || !printed)
		return FAILED;
	if (metadata_file && !g_file_get_contents(metadata_file, &metadata, NULL, &error))
		return failed(error);
	commit.metadata = metadata;
	checksum = commit_write(objects, converted->root, &commit, &version, &error);
	if (!checksum)
		return failed(error);
	if (!as_json)
		printf("%s %s %s\n", branch, version, checksum);
	return DONE;
}

static int commit_sources(const struct convert *plan)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(OstreeRepo) repo = NULL;
	struct objects objects = { 0 };
	struct converted converted = { 0 };
	int status = FAILED;

	repo = commit_open(repo_path, &error);
	if (!repo || !ostree_repo_prepare_transaction(repo, NULL, NULL, &error))
		return failed(error);
	objects.repo = repo;
	if (convert(plan, &objects, &converted, &error) &&
		accounts_check(
			repo, branch, converted.root, converted.ledger, allow_id_changes, &error))
		status = write_commit(&objects, &converted);
	else
		failed(error);
	/* Does nothing after a commit. */
	(void)ostree_repo_abort_transaction(repo, NULL, NULL);
	converted_free(&converted);
	return status;
}

static int make_delta(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(OstreeRepo) repo = commit_open(repo_path, &error);
	struct delta delta = { .branch = branch,
		.from = g_strcmp0(from, "none") ? from : "",
		.file = file,
		.no_bsdiff = no_bsdiff };
	guint64 size;

	if (!repo || !delta_make(repo, &delta, &size, &error) ||
		(!file && !commit_renew_summary(
				  repo, (const char *const *)gpg_keys, gpg_home, &error)))
		return failed(error);
	if (file)
		printf("%s: %" G_GUINT64_FORMAT " bytes\n", file, size);
	return DONE;
}

/* Python's server is enough to try updates on this machine. */
static int serve(void)
{
	char *const words[] = { "python3", "-m", "http.server", "--bind", "127.0.0.1",
		"--directory", repo_path, port, NULL };
	guint64 number;

	if (!g_ascii_string_to_unsigned(port, 10, 1, G_MAXUINT16, &number, NULL))
		return usage("--port is a number up to 65535, not ", port);
	if (!g_file_test(repo_path, G_FILE_TEST_IS_DIR)) {
		report(&reporter, REPORT_ERROR, "%s: there is no repository", repo_path);
		return FAILED;
	}
	printf("http://127.0.0.1:%s\n", port);
	(void)fflush(stdout);
	(void)execvp(words[0], words);
	report(&reporter, REPORT_ERROR, "python3 cannot be started: %s", g_strerror(errno));
	return FAILED;
}

/* A command that works on a repository alone. */
static int run_on_repository(const char *verb)
{
	if (sources && sources[0])
		return usage("there is nothing to be read: ", sources[0]);
	return !strcmp(verb, "delta") ? make_delta() : serve();
}

static int run(const char *verb)
{
	static const char *const verbs[] = { "check", "commit", "delta", "serve", NULL };
	const gboolean on_repository = !strcmp(verb, "delta") || !strcmp(verb, "serve");
	struct convert plan = { .sources = (const char *const *)sources,
		.allowed_keys = (const char *const *)allowed_keys,
		.kernel = kernel,
		.initramfs = initramfs,
		.devicetree = devicetree,
		.programs = programs,
		.modules = (const char *const *)modules,
		.loader = bootloader,
		.quiet = quiet };

	if (!g_strv_contains(verbs, verb)) {
		const char *meant = closest(verb, verbs);
		g_autofree char *hint =
			meant ? g_strdup_printf("%s (did you mean %s?)", verb, meant) : NULL;

		return usage("unknown command: ", hint ? hint : verb);
	}
	if (strcmp(verb, "check") != 0 && !repo_path)
		return usage(verb, " needs --repo");
	if (on_repository)
		return run_on_repository(verb);
	if (!sources || !sources[0])
		return usage("there is no SOURCE", "");
	if (bootloader && strcmp(bootloader, "grub") != 0 && strcmp(bootloader, "uboot") != 0)
		return usage("--bootloader is grub or uboot, not ", bootloader);
	if (!find_rules(&plan.without))
		return USAGE;
	return !strcmp(verb, "check") ? check(&plan) : commit_sources(&plan);
}

int main(int argc, char *argv[])
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *verb = NULL;
	int status;

	report_prepare();
	g_option_context_set_summary(context, summary);
	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		return usage(error->message, "");
	if (show_version) {
		printf("rootstock-image (rootstock) %s\n", VERSION);
		return DONE;
	}
	if (!sources || !sources[0])
		return usage("there is no command", "");
	verb = g_steal_pointer(&sources[0]);
	memmove(sources, sources + 1,
		g_strv_length(sources + 1) * sizeof *sources + sizeof *sources);
	interrupt_catch();
	status = run(verb);
	interrupt_end();
	return status;
}
