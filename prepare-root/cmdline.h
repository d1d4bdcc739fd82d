/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmdline: the kernel command line, split as the kernel splits it.
 *
 * Words end at white space outside double quotes; a quote may stand anywhere and nothing escapes
 * it; the first "=" that is not the first byte separates name and value; a quote that opens the
 * word or the value is removed, and then so is one that closes the word (Linux, lib/cmdline.c,
 * next_arg). What follows a lone "--" belongs to init (kernel/params.c, parse_args).
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

/* Words with this prefix are for prepare-root; only one of them is known. */
#define CMDLINE_PREPARE_ROOT "ostree.prepare-root."
#define CMDLINE_COMPOSEFS CMDLINE_PREPARE_ROOT "composefs"
/* The same in libostree 2023.1 to 2023.4, with other values. */
#define CMDLINE_OT_COMPOSEFS "ot-composefs"

/*
 * A command line and the words in it that matter here, NULL where they are missing. All strings
 * point into the text that was split. This is too large for a stack.
 */
struct cmdline {
	const char *ostree;	  /* the first one, as for libostree's own program */
	const char *slot;	  /* androidboot.slot_suffix=, the first one */
	const char *composefs;	  /* the first one */
	const char *ot_composefs; /* the first one */
	const char *unknown;	  /* name of the first other word with that prefix */
	const char *init;	  /* the last one, as for the kernel */
	const char *onfail;	  /* rootstock.onfail=, the last one */
	size_t count;
	struct karg words[CMDLINE_MAX / 2]; /* all; each takes two bytes at least */
};

/* True for a path that ends in /ostree-prepare-root, an init= for a boot without an initramfs. */
bool cmdline_names_prepare_root(const char *init);

/* Splits text, of at most CMDLINE_MAX bytes, in place. */
void cmdline_parse(char *text, struct cmdline *ret_cmdline);
