/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ostree-uboot-generator: boot loader entries in, uEnv.txt out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "bls/file.h"
#include "bls/generator.h"
#include "uboot/loader.h"
#include "uboot/ownlines.h"

#define SYSTEM_LINES "usr/lib/ostree-boot/uEnv.txt"

enum { LINES_SIZE_MAX = 65536 };

static const char help[] =
	"usage: ostree-uboot-generator -o OUT [OPTION]...\n"
	"\n"
	"Makes a uEnv.txt for U-Boot out of Boot Loader Specification entries.\n"
	"\n"
	"  -o OUT               the uEnv.txt to write, - for standard output\n"
	"  --root DIR           the sysroot; default: the part of OUT before /boot/\n"
	"  --entries DIR        the entries; default: as libostree says, else entries/ beside OUT\n"
	"  --boot-prefix PREFIX what U-Boot needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --append FILE        add the lines of FILE, after those of " SYSTEM_LINES "\n"
	"                       in the default deployment\n"
	"  --compat=ostree      write what libostree's own U-Boot writer writes, and no more\n"
	"  --help, --version    print this, or the version\n"
	"\n"
	"Set OSTREE_GRUB2_EXEC to this program's path and sysroot.bootloader to grub2, and libostree\n"
	"calls it at each deployment; uEnv.txt is then beside the entries.\n";

static const char *append;

static const struct args_option options[] = {
	{ "append", &append, NULL },
	{ "compat", &uboot_extras.compat, NULL },
	{ 0 },
};

static bool options_valid(const struct reporter *reporter)
{
	const char *compat = uboot_extras.compat;

	return !compat || !strcmp(compat, "ostree") ||
	       args_usage(reporter, "--compat is ostree, not ", compat) == ARGS_RUN;
}

/* Adds the lines of one file. error is that of reading it. */
static int take_lines(
	const struct reporter *reporter, int error, const char *name, struct text *lines)
{
	struct text *all = &uboot_extras.lines;

	if (error < 0) {
		report(reporter, REPORT_ERROR, "%s cannot be read: %s", name,
			error == -ELOOP	  ? "it is not a regular file"
			: error == -EFBIG ? "it has more than 64 KiB"
					  : sysroot_why(error));
		return -1;
	}
	text_drop_windows(lines);
	if (!uboot_compat())
		return ownlines_add(all, lines, name, reporter);
	text_add_bytes(all, lines->bytes, lines->size);
	return 0;
}

/* Reads the file of --append. If it is in the sysroot, no symlink leads out of it. */
static int read_append(const struct sysroot *sysroot, struct text *lines)
{
	char located[PATH_MAX], *path;
	int dir_fd, err = sysroot_locate(sysroot, append, &dir_fd, located);

	if (err < 0 || dir_fd != AT_FDCWD)
		return err < 0 ? err : file_add(dir_fd, located, LINES_SIZE_MAX, lines);
	path = realpath(located, NULL);
	err = path ? file_add(AT_FDCWD, path, LINES_SIZE_MAX, lines) : -errno;
	free(path);
	return err;
}

/* Reads the integrator's lines: the deployment's, then those of --append. */
static int prepare(const struct loader_job *job)
{
	struct text lines = { 0 };
	int err = -ENOENT;

	if (job->deployment_fd >= 0)
		err = file_add_in(job->deployment_fd, SYSTEM_LINES, LINES_SIZE_MAX, &lines);
	if (err == -ENOENT || err == -ENOTDIR)
		err = 0;
	else
		err = take_lines(job->reporter, err, SYSTEM_LINES, &lines);
	if (!err && append) {
		text_cut(&lines, 0);
		err = read_append(job->sysroot, &lines);
		err = take_lines(job->reporter, err, append, &lines);
	}
	text_free(&lines);
	return err;
}

int main(int argc, char *argv[])
{
	static const struct generator generator = {
		.loader = &uboot_loader,
		.help = help,
		.options = options,
		.options_valid = options_valid,
		.prepare = prepare,
	};
	int status = generator_main(&generator, argc, argv);

	text_free(&uboot_extras.lines);
	return status;
}
