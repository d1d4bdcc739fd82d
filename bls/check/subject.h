/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * subject: one entry that is checked, and where the results go.
 *
 * Each check takes the entry one stage further on its way from the loader to init. It adds findings
 * about what will not work, and to the way what will happen.
 */
#pragma once

#include <string.h>

#include "bls/bootfs.h"
#include "bls/check/findings.h"
#include "bls/check/initrd.h"
#include "bls/check/way.h"
#include "bls/kernel.h"
#include "bls/menu.h"
#include "bls/sysroot.h"
#include "prepare-root/cmdline.h"

struct subject {
	const struct sysroot *sysroot;
	const struct bootfs *rootfs; /* the file system at ROOT, if that is the top of one */
	struct findings *findings;
	struct way *way;
	const struct menu_item *item;
	const struct entry *entry;
	int tree_fd;		 /* the deployment; -1 if it cannot be opened */
	struct cmdline *cmdline; /* of the kernel, as the boot's own code splits the options */
	struct initrds *initrds;
	const struct initrd *initrd; /* NULL if there is none, or it is not looked at */
	struct kernel kernel;	     /* empty if it cannot be read */
};

/* A line of the entry; 0 for the file as a whole. */
static inline struct place subject_place(const struct subject *subject, unsigned line)
{
	return (struct place){ subject->sysroot->entries, subject->item->name, line };
}

/* The line with the options that counts. */
static inline struct place subject_options(const struct subject *subject)
{
	const struct entry_line *line = subject->entry->last[ENTRY_OPTIONS];

	return subject_place(subject, line ? line->number : 0);
}

/* The value of the last word NAME=VALUE on the command line, or NULL. */
static inline const char *subject_word(const struct subject *subject, const char *name)
{
	for (size_t i = subject->cmdline->count; i-- > 0;)
		if (subject->cmdline->words[i].value &&
			!strcmp(subject->cmdline->words[i].name, name))
			return subject->cmdline->words[i].value;
	return NULL;
}
