/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ostree-grub-generator: boot loader entries in, grub.cfg out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bls/bootfs.h"
#include "bls/generator.h"
#include "grub/grubconf.h"
#include "grub/loader.h"

static const char help[] =
	"usage: ostree-grub-generator -o OUT [OPTION]...\n"
	"\n"
	"Makes a GRUB menu out of Boot Loader Specification entries.\n"
	"\n"
	"  -o OUT               the grub.cfg to write, - for standard output\n"
	"  --root DIR           the sysroot; default: the part of OUT before /boot/\n"
	"  --entries DIR        the entries; default: as libostree says, else entries/ beside OUT\n"
	"  --boot-prefix PREFIX what GRUB needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --search WHAT        look for the file system of the entries: auto (default; when OUT is\n"
	"                       on another one), always, never, or its UUID\n"
	"  --allow-lossy        warn about bytes that GRUB cannot pass on instead of refusing them\n"
	"  --help, --version    print this, or the version\n"
	"\n"
	"Set OSTREE_GRUB2_EXEC to this program's path and libostree calls it at each deployment.\n";

static const char *wished_search;

static const struct args_option options[] = {
	{ "search", &wished_search, NULL },
	{ "allow-lossy", NULL, &grub_extras.allow_lossy },
	{ 0 },
};

static bool options_valid(const struct reporter *reporter)
{
	return grubconf_search(wished_search) != GRUBCONF_SEARCH_WRONG ||
	       args_usage(reporter, "--search is auto, always, never or a UUID, not ",
		       wished_search) == ARGS_RUN;
}

static const char *why_no_uuid(int error, const struct bootfs *bootfs)
{
	if (error < 0)
		return strerror(-error);
	if (bootfs->error < 0)
		return strerror(-bootfs->error);
	return bootfs->type ? "it has none" : "it is a directory and not a mounted file system";
}

/* The UUID of the file system with /boot, or NULL with the reason reported. */
static char *read_uuid(const struct loader_job *job)
{
	struct bootfs bootfs = { 0 };
	int err = job->sysroot->boot_fd < 0 ? -ENOENT : bootfs_find(job->sysroot->boot_fd, &bootfs);
	char *uuid = err < 0 ? NULL : bootfs.uuid;

	if (uuid)
		bootfs.uuid = NULL;
	else
		report(job->reporter, REPORT_ERROR,
			"GRUB must search for the file system of %sboot, and its UUID cannot be found (%s): use --search UUID, or --search never",
			job->sysroot->root ? job->sysroot->root : "", why_no_uuid(err, &bootfs));
	bootfs_free(&bootfs);
	return uuid;
}

/* Sets the UUID that GRUB must search for, if any. If the output is not on the file system of
 * /boot, for example on an ESP, GRUB's root is that of the output, and it would find no kernel. */
static int prepare(const struct loader_job *job)
{
	const char *word = wished_search ? wished_search : grubconf_settings[GRUBCONF_SEARCH].value;
	enum grubconf_search search = grubconf_search(word);
	bool needed = search == GRUBCONF_SEARCH_ALWAYS;

	if (search == GRUBCONF_SEARCH_UUID)
		return (grub_extras.uuid = strdup(word)) ? 0 : -ENOMEM;
	if (search == GRUBCONF_SEARCH_AUTO)
		needed = job->sysroot->out_fd >= 0 && job->sysroot->boot_fd >= 0 &&
			 bootfs_same(job->sysroot->out_fd, job->sysroot->boot_fd) != 1;
	if (needed)
		grub_extras.uuid = read_uuid(job);
	return needed && !grub_extras.uuid ? -1 : 0;
}

int main(int argc, char *argv[])
{
	static const struct generator generator = {
		.loader = &grub_loader,
		.help = help,
		.options = options,
		.options_valid = options_valid,
		.prepare = prepare,
	};
	int status = generator_main(&generator, argc, argv);

	free(grub_extras.uuid);
	return status;
}
