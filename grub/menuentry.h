/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * menuentry: one entry as GRUB's menuentry command.
 *
 * The entry first tests whether its files exist, because GRUB goes to the next entry of its
 * fallback list only if it has nothing to boot, and boots a kernel without its initrd if only that
 * is missing. If GRUB has no test command, the entry boots untested.
 */
#pragma once

#include "bls/text.h"
#include "bls/verdict.h"

/* How an entry begins. The command is the argument of the function around it (grubcfg.c). */
#define MENUENTRY "$1 --id "

/* What all entries of a menu have in common. */
struct menuentry_rules {
	const char *prefix; /* see bootpath.h */
	int boot_fd;	    /* ROOT/boot, to read kernels' headers, or -1 */
	bool allow_lossy;   /* a word that GRUB changes is a warning, not an error */
};

/* Adds what is between the braces, and the closing one. Returns 0, -ENOMEM, or, with the reason in
 * the verdict, -EINVAL for a byte or an architecture, or -E2BIG for a command line that is longer
 * than the kernel accepts. On failure the caller must remove what was added. */
int menuentry_add_body(struct text *text, const struct menu_item *item, struct verdict *verdict,
	const struct menuentry_rules *rules);

/* Adds what is before that, with the title of the entry. */
void menuentry_add_head(struct text *text, const struct menu_item *item, const char *title);
