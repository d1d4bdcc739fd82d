/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootparams: what the kernel command line tells an initramfs about the root file system.
 *
 * The words mean what they mean to the kernel (Documentation/admin-guide/kernel-parameters.txt),
 * and the last one of a kind wins. One is an exception: rootdelay= is a limit and not a delay.
 */
#pragma once

#include <stdbool.h>

#include "prepare-root/cmdline.h"

/* How long to wait for a device without a word about it, and at most, in seconds. */
enum { WAIT_DEFAULT = 30, WAIT_MAX = 86400 };

/* The kernel's console log level without quiet, debug and loglevel= (CONSOLE_LOGLEVEL_DEFAULT). */
enum { CONSOLE_DEFAULT = 7 };

/* Strings are NULL if the word is missing; they point into the command line. */
struct rootparams {
	const char *root;    /* ostree_root=, else root=, else LABEL=otaroot if there is ostree= */
	const char *fstypes; /* rootfstype=, separated by commas; NULL for "auto" too */
	const char *flags;   /* rootflags= */
	bool writable;	     /* rw; the kernel's default is ro */
	bool gpt;	     /* gpt: a GPT is accepted without its protective MBR */
	bool forever;	     /* rootwait */
	unsigned wait; /* else seconds: rootwait=, or rootdelay= where it is more than usual */
	unsigned console_level; /* lines of this kernel log level and above stay off the console */
};

void rootparams_parse(const struct cmdline *cmdline, struct rootparams *ret_params);

/*
 * True if "/" is to become a deployment: there is ostree=, or a slot and the directory at the path
 * ostree. A slot alone means nothing: boot loaders name one for systems of every kind.
 */
bool rootparams_wants_deployment(const struct cmdline *cmdline, const char *ostree);
