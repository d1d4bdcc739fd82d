/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ostree-grub-generator: boot loader entries in, grub.cfg out.
 *
 * libostree calls it as "PROGRAM -o OUT" while the directory OUT is in is not yet the one that
 * boots, and gives up the deployment when it fails.
 */
#include "bls/args.h"
#include "bls/emit.h"
#include "bls/menu.h"
#include "bls/place.h"
#include "grub/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: ostree-grub-generator -o OUT [--root DIR] [--entries DIR] [--boot-prefix PREFIX]\n"
	"\n"
	"Makes a GRUB menu out of Boot Loader Specification entries.\n"
	"\n"
	"  -o OUT               the grub.cfg to write, - for standard output\n"
	"  --root DIR           the sysroot; default: what stands before /boot/ in OUT\n"
	"  --entries DIR        the entries; default: as libostree says, else entries/ beside OUT\n"
	"  --boot-prefix PREFIX what GRUB needs before the paths of the entries: auto (default),\n"
	"                       none, or a path like /boot\n"
	"  --help, --version    print this, or the version\n"
	"\n"
	"Set OSTREE_GRUB2_EXEC to this program's path and libostree calls it at each deployment.\n";

static void report_item(
	const struct reporter *reporter, const struct place *place, const struct menu_item *item)
{
	const struct entry_line *overlay = item->entry.last[ENTRY_DEVICETREE_OVERLAY];
	char number[16] = "";

	if (!item->error && !overlay)
		return;
	if (!item->error || item->where.line)
		(void)snprintf(number, sizeof(number), ":%u",
			item->error ? item->where.line : overlay->number);
	if (item->error)
		report(reporter, REPORT_ERROR, "%s/%s%s: %s; this entry is left out of the menu",
			place->entries, item->name, number, item->where.what);
	else
		report(reporter, REPORT_WARNING,
			"%s/%s%s: GRUB cannot apply device tree overlays; this entry is in the "
			"menu "
			"without them",
			place->entries, item->name, number);
}

/* Reports what the menu lacks, and says whether what remains may be written. */
static int judge(const struct reporter *reporter, const struct place *place,
	const struct menu *menu, size_t count)
{
	const struct menu_item *first = NULL;

	for (size_t i = 0; i < menu->count; i++) {
		if (menu_hidden(&menu->items[i]))
			continue;
		if (!first)
			first = &menu->items[i];
		report_item(reporter, place, &menu->items[i]);
	}
	if (!count) {
		report(reporter, REPORT_ERROR,
			"%s has no entry that GRUB could boot, so no menu is written",
			place->entries);
		return -1;
	}
	/* With any other one first the old tree would boot, and the deployment report success. */
	if (reporter->hook && first && first->error) {
		report(reporter, REPORT_ERROR,
			"%s is the entry to be booted next, so the deployment must not go on "
			"without it",
			first->name);
		return -1;
	}
	return 0;
}

static int write_out(
	const struct reporter *reporter, const struct place *place, const struct text *text)
{
	int r;

	if (place->out_fd < 0)
		r = emit_bytes(STDOUT_FILENO, text->bytes, text->size);
	else
		r = emit_file(place->out_fd, place->out_name, text->bytes, text->size);
	if (r < 0)
		report(reporter, REPORT_ERROR, "%s cannot be written: %s",
			place->out_fd < 0 ? "standard output" : place->out,
			r == -EEXIST ? "it is there, and not a regular file" : strerror(-r));
	return r;
}

static int generate(const struct reporter *reporter, const struct place *place, struct menu *menu)
{
	struct text text = { 0 };
	size_t count;
	int r = menu_read(place->entries_fd, menu);

	if (r < 0) {
		report(reporter, REPORT_ERROR, "%s cannot be read: %s", place->entries,
			r == -E2BIG ? "there are more than 512 entries" : strerror(-r));
		return r;
	}
	count = render_menu(&text, menu, place->prefix);
	if (text.failed) {
		report(reporter, REPORT_ERROR, "there is not enough memory for the menu");
		r = -1;
	} else {
		r = judge(reporter, place, menu, count);
	}
	if (!r)
		r = write_out(reporter, place, &text);
	text_free(&text);
	return r;
}

int main(int argc, char *argv[])
{
	const struct reporter reporter = {
		.program = "ostree-grub-generator",
		.hook = getenv("_OSTREE_GRUB2_BOOTVERSION") != NULL,
	};
	struct menu menu = { 0 };
	struct place place;
	struct args args;
	int r;

	switch (args_parse(argc, argv, &reporter, &args)) {
	case ARGS_HELP:
		return fputs(help, stdout) == EOF || fflush(stdout) == EOF;
	case ARGS_VERSION:
		return puts("ostree-grub-generator " VERSION) == EOF || fflush(stdout) == EOF;
	case ARGS_USAGE:
		return 2;
	case ARGS_RUN:
		break;
	}
	r = place_find(&args, &reporter, &place);
	if (!r)
		r = generate(&reporter, &place, &menu);
	menu_free(&menu);
	place_close(&place);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
