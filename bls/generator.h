/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generator: the course of a program that makes one boot loader's menu out of entries.
 *
 * libostree calls it as "PROGRAM -o OUT" while the directory that OUT is in is not yet the one that
 * boots, and gives up the deployment when it fails. So: either the whole menu is written or the old
 * file stays, and every reason is reported. What differs from loader to loader is its render
 * function.
 */
#pragma once

#include "bls/args.h"
#include "bls/menu.h"
#include "bls/settings.h"
#include "bls/sysroot.h"
#include "bls/text.h"

/* What a render function is given. */
struct generator_job {
	const struct reporter *reporter;
	const struct sysroot *sysroot;
	struct menu *menu; /* sorted */
	int deployment_fd; /* the tree that the default entry boots, or -1 where none is found */
};

struct generator {
	const char *program;
	const char *loader; /* for messages: "GRUB" */
	const char *help;
	const struct args_option *options; /* besides the common ones; ends without a name */
	bool (*options_valid)(const struct reporter *reporter); /* if not, it has said so */
	const char *settings_file;				/* see settings.h */
	struct setting *settings;
	int (*check_settings)(const struct reporter *reporter); /* 0, or -1 and it has said so */

	/*
	 * Adds the output to text, gives items that the loader
	 * cannot carry out an error, and others their warnings. Returns the number of entries in
	 * the output, or, with the reason reported, a negative number.
	 */
	int (*render)(const struct generator_job *job, struct text *text);

	/*
	 * What the output is called when libostree calls and names something else, for it knows of
	 * no loader but GRUB: it is then written into the loader.N with the entries, and standin
	 * into the file that libostree named. NULL where the output is what libostree asks for.
	 */
	const char *hook_name;
	const char *standin;
};

/* The whole program; returns its exit status. */
int generator_main(const struct generator *generator, int argc, char *const argv[]);
