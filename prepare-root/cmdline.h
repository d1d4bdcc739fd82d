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

struct karg {
	char *name;
	char *value; /* NULL for a word without "=" */
};

/*
 * Takes the next word out of rest, which is changed. Returns what is left behind it, or NULL at the
 * end or at "--" (then *ret_karg is of no use).
 */
char *cmdline_next(char *rest, struct karg *ret_karg);

enum onfail_action { ONFAIL_PANIC, ONFAIL_REBOOT, ONFAIL_HALT, ONFAIL_SHELL };

/*
 * rootstock.onfail=panic|reboot[:SECONDS]|halt|shell: what PID 1 does after it has said what
 * failed. A shell is for rootstock-init alone, where the image has one.
 */
struct onfail {
	enum onfail_action action;
	unsigned seconds; /* before the reboot, at most 86400 */
};

/* Returns 0, or -EINVAL for a value that is none of these, with *ret_onfail the default, panic. */
int cmdline_onfail(const char *value, struct onfail *ret_onfail);

/*
 * Where a text that was too long breaks off, this takes away the word that is not whole any more.
 * text is what fits, ended by a zero byte; what is left is nothing at worst.
 */
void cmdline_cut(char *text);

/* What begins so is for prepare-root, and this is the one word of that kind that is known. */
#define CMDLINE_PREPARE_ROOT "ostree.prepare-root."
#define CMDLINE_COMPOSEFS CMDLINE_PREPARE_ROOT "composefs"

/* The words that matter here; NULL where there is none. They point into the text. */
struct cmdline {
	const char *ostree;    /* first match wins, as in upstream's program */
	const char *slot;      /* androidboot.slot_suffix=, likewise */
	const char *composefs; /* likewise */
	const char *unknown;   /* the first other word that begins like that, its name */
	const char *init; /* last match wins, as in the kernel; may be NULL for "the tree's own" */
	const char *onfail; /* likewise */
};

/* True for a path that ends in /ostree-prepare-root, an init= for a boot without an initramfs. */
bool cmdline_names_prepare_root(const char *init);

/* Splits text in place. */
void cmdline_parse(char *text, struct cmdline *ret_cmdline);
