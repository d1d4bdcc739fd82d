/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loader: all that the generator of a menu and rootstock-bls know of one boot loader.
 *
 * Each loader has a folder of its own with one of these in it (grub/loader.h, uboot/loader.h).
 * Nothing else in bls/ knows a loader by name; bls/check/main.c has the list of them.
 */
#pragma once

#include "bls/kernel.h"
#include "bls/settings.h"
#include "bls/sysroot.h"
#include "bls/text.h"
#include "bls/verdict.h"

/* Where the generators are installed. */
#define LOADER_PROGRAMS "/usr/lib/ostree/"

/* What a render function is given. */
struct loader_job {
	const struct reporter *reporter; /* NULL: nothing is reported */
	const struct sysroot *sysroot;
	const struct menu *menu;  /* sorted */
	struct verdict *verdicts; /* one for each item, see verdict_new() */
	int deployment_fd;	  /* the tree that the default entry boots, or -1 */
};

/* What an entry of the menu is called. The strings are allocated. */
struct loader_label {
	char *place;	     /* "0" for GRUB, "kernel_image2" for U-Boot; NULL: not in the menu */
	char *id;	     /* by which it can be made the default; NULL: it has none */
	char *title;	     /* that a person sees; NULL: the loader shows none */
	const char *machine; /* the only architecture on which it starts; NULL: any */
};

/* A file system that the loader cannot read, or not safely. */
struct loader_limit {
	const char *type; /* as the mount table has it */
	const char *what; /* a sentence */
};

/* Features of ext4 that a loader may not be able to read. */
enum {
	LOADER_EXT4_EA_INODE = 1 << 0,
	LOADER_EXT4_INLINE_DATA = 1 << 1,
	LOADER_EXT4_CASEFOLD = 1 << 2,
	LOADER_EXT4_BIGALLOC_1K = 1 << 3, /* bigalloc, with blocks of 1 KiB */
	LOADER_EXT4_LARGE_DIR = 1 << 4,
	LOADER_EXT4_CSUM_SEED = 1 << 5,
};

struct loader {
	const char *name;    /* for messages: "GRUB" */
	const char *word;    /* for options and JSON: "grub" */
	const char *program; /* the generator */

	const char *settings_file; /* see settings.h */
	struct setting *settings;
	/* Returns 0, or -1 with the reason reported. */
	int (*check_settings)(const struct reporter *reporter);

	const char *file; /* the menu, beside the entries: "grub.cfg" */
	/* libostree knows no loader but GRUB. If it asks for a file that is not this one, the menu
	 * is written into the loader.N with the entries, and standin into the file that libostree
	 * named. NULL if libostree asks for this file. */
	const char *standin;
	/* What it reads before the menu. */
	bool reads_grub_cfg; /* a file of its own: see bls/check/grubdir.h */
	bool reads_boot_scr; /* see bls/check/bootscr.h */
	const char *foreign; /* what is wrong with a menu of another origin; NULL: nothing */

	/* Adds the menu to text. Refuses the items that the loader cannot carry out, and adds
	 * warnings to others. Returns the number of entries in the menu. */
	size_t (*render)(const struct loader_job *job, struct text *text);

	/* True for a line of the menu that follows from the entries, not from settings. */
	bool (*from_entries)(const char *line, size_t length);

	/* What is wrong with a menu that has our first and our last line and that the loader would
	 * refuse all the same, as a sentence; else NULL. */
	const char *(*damage)(const struct text *menu);

	/* Fills in the empty labels of the items in the rendered menu. Returns 0 or -ENOMEM. */
	int (*label)(const struct loader_job *job, struct loader_label ret_labels[]);
	const char *place; /* what a label's place is called in JSON */

	unsigned kernels;		   /* the formats that it starts, 1 << KERNEL_... or'ed */
	const struct loader_limit *limits; /* ends without a type */
	unsigned unreadable_ext4;	   /* LOADER_EXT4_..., or'ed */
	/* Versions that read less, the first version that does not, and what; else NULL and 0. */
	const char *older, *since;
	unsigned older_unreadable_ext4;
};
