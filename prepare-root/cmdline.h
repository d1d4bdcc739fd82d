/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmdline: the kernel command line, split as the kernel splits it.
 *
 * Words end at white space outside double quotes; a quote may stand anywhere and nothing escapes
 * it; the first "=" that is not the first byte separates name and value; a quote that opens the
 * word or the value goes, with the one that closes the word (Linux, lib/cmdline.c, next_arg). What
 * follows a lone "--" belongs to init (kernel/params.c, parse_args).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct karg {
	char *name;
	char *value; /* NULL for a word without "=" */
};

/*
 * Takes the next word out of rest, which is changed. Returns what follows it, or NULL at the end or
 * at "--" (then *ret_karg is of no use).
 */
char *cmdline_next(char *rest, struct karg *ret_karg);

/* Removes the last word of a text that was too long: it may have lost its end. */
void cmdline_cut(char *text);

/* Eight times what x86 and arm64 take; more than that can only come from bootconfig. */
enum { CMDLINE_MAX = 16384 };

/* What begins so is for prepare-root, and this is the one word of that kind that is known. */
#define CMDLINE_PREPARE_ROOT "ostree.prepare-root."
#define CMDLINE_COMPOSEFS CMDLINE_PREPARE_ROOT "composefs"

/*
 * A command line, split once for everybody. Too large for a stack. Strings point into the text that
 * was split; the first ones are NULL if there is no such word.
 */
struct cmdline {
	const char *ostree;    /* first match wins, as in upstream's program */
	const char *slot;      /* androidboot.slot_suffix=, likewise */
	const char *composefs; /* likewise */
	const char *unknown;   /* the first other word that begins like that, its name */
	const char *init; /* last match wins, as in the kernel; may be NULL for "the tree's own" */
	const char *onfail; /* likewise, rootstock.onfail= */
	size_t count;
	struct karg words[CMDLINE_MAX / 2]; /* all of them; two bytes a word are the least */
};

/* True for a path that ends in /ostree-prepare-root, an init= for a boot without an initramfs. */
bool cmdline_names_prepare_root(const char *init);

/* Splits text, of at most CMDLINE_MAX bytes, in place. */
void cmdline_parse(char *text, struct cmdline *ret_cmdline);
