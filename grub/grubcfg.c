/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ostree-grub-generator: boot loader entries in, grub.cfg out; its options and its settings. */
#include "bls/generator.h"
#include "grub/render.h"

#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: ostree-grub-generator -o OUT [OPTION]...\n"
	"\n"
	"Makes a GRUB menu out of Boot Loader Specification entries.\n"
	"\n"
	"  -o OUT               the grub.cfg to write, - for standard output\n"
	"  --root DIR           the sysroot; default: what stands before /boot/ in OUT\n"
	"  --entries DIR        the entries; default: as libostree says, else entries/ beside OUT\n"
	"  --boot-prefix PREFIX what GRUB needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --search WHAT        look for the file system of the entries: auto (default; when OUT "
	"is\n"
	"                       on another one), always, never, or its UUID\n"
	"  --allow-lossy        warn about bytes that GRUB cannot pass on instead of refusing "
	"them\n"
	"  --help, --version    print this, or the version\n"
	"\n"
	"Set OSTREE_GRUB2_EXEC to this program's path and libostree calls it at each deployment.\n";

static const char *wished_search;
static bool allow_lossy;

static const struct args_option options[] = {
	{ "search", &wished_search, NULL },
	{ "allow-lossy", NULL, &allow_lossy },
	{ 0 },
};

enum { TIMEOUT, DEFAULT, SERIAL, TERMINAL, SEARCH, ALLOW_LOSSY };

static struct setting settings[] = {
	[TIMEOUT] = { .name = "timeout" },
	[DEFAULT] = { .name = "default" },
	[SERIAL] = { .name = "serial" },
	[TERMINAL] = { .name = "terminal" },
	[SEARCH] = { .name = "search" },
	[ALLOW_LOSSY] = { .name = "allow-lossy" },
	{ 0 },
};

static int check_settings(const struct reporter *reporter)
{
	const char *timeout = settings[TIMEOUT].value, *lossy = settings[ALLOW_LOSSY].value;

	if (timeout && strcmp(timeout, "-1") != 0 &&
		(!*timeout || strlen(timeout) > 5 || timeout[strspn(timeout, "0123456789")]))
		return settings_refuse(&settings[TIMEOUT],
			"timeout is a number of seconds, or -1 to wait for ever", reporter);
	if (lossy && strcmp(lossy, "yes") != 0 && strcmp(lossy, "no") != 0)
		return settings_refuse(
			&settings[ALLOW_LOSSY], "allow-lossy is yes or no", reporter);
	if (lossy && !strcmp(lossy, "yes"))
		allow_lossy = true;
	return 0;
}

static int render(const struct generator_job *job, struct text *text)
{
	struct render_style style = {
		.chosen = settings[DEFAULT].value,
		.timeout = settings[TIMEOUT].value,
		.serial = settings[SERIAL].value,
		.terminal = settings[TERMINAL].value,
	};

	if (check_settings(job->reporter) < 0)
		return -1;
	style.rules = (struct menuentry_rules){
		.prefix = job->place->prefix,
		.boot_fd = job->boot_fd,
		.allow_lossy = allow_lossy,
	};
	return (int)render_menu(text, job->menu, &style);
}

int main(int argc, char *argv[])
{
	static const struct generator generator = {
		.program = "ostree-grub-generator",
		.loader = "GRUB",
		.help = help,
		.options = options,
		.settings_file = "grub.conf",
		.settings = settings,
		.render = render,
	};

	return generator_main(&generator, argc, argv);
}
