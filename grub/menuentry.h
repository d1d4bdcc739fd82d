/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menuentry: one entry as GRUB's menuentry command.
 *
 * The entry first looks whether its files are there, because GRUB goes to the next entry of its
 * fallback list only when it has nothing to boot, and boots a kernel without its initrd when only
 * that is missing. Where GRUB has no test command the entry is booted unchecked.
 */
#pragma once

#include "bls/text.h"
#include "bls/verdict.h"

/* How an entry begins: the command is the argument of the function around it (render.c). */
#define MENUENTRY "$1 --id "

/* What holds for all entries of a menu. */
struct menuentry_rules {
	const char *prefix; /* before every path that does not begin with it already (bootpath.h) */
	int boot_fd;	    /* ROOT/boot, to look at kernels, or -1 */
	bool allow_lossy;   /* a word that GRUB changes is a warning, not an error */
};

/*
 * Adds what stands between the braces, and the closing one. Returns 0, or -ENOMEM, or,
 * with the verdict a refusal, -EINVAL for a byte or an architecture and -E2BIG for a command line
 * that is longer than the kernel takes; what was added is then of no use.
 */
int menuentry_add_body(struct text *text, const struct menu_item *item, struct verdict *verdict,
	const struct menuentry_rules *rules);

/* Adds what stands before that, for an entry that is shown under this title. */
void menuentry_add_head(struct text *text, const struct menu_item *item, const char *title);
