/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kargs: the options of an entry, split into words as the kernel splits them.
 *
 * prepare-root's code does the splitting, so that a generator and the boot never disagree about a
 * word. Words after a lone "--" belong to init and are not listed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "bls/verdict.h"
#include "prepare-root/cmdline.h"

struct kargs_word {
	struct karg karg;  /* without the quotes that the kernel removes */
	size_t start, end; /* of its bytes in the options, quotes included */
};

/* Strings live as long as the kargs. */
struct kargs {
	char *copy;
	struct kargs_word *words;
	size_t count;
};

/* Returns 0 or -ENOMEM; *ret_kargs must be freed in any case. */
int kargs_split(const char *options, struct kargs *ret_kargs);

/* The value of the first word NAME=VALUE, or NULL. */
const char *kargs_first(const struct kargs *kargs, const char *name);

/* To be called for each word. Warns of a variable that only another GRUB expands. True for an init=
 * that starts ostree-prepare-root, in an entry with an initrd; the verdict gets a
 * warning. libostree writes this word for a deployment without an initramfs and copies it to later
 * ones that have one (ostree issue 1440). There the program would run a second time, as init. */
bool kargs_drop(const struct entry *entry, const struct kargs_word *word, struct verdict *verdict);

void kargs_free(struct kargs *kargs);
