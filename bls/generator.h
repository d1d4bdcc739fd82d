/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generator: the course of a program that makes one boot loader's menu out of entries.
 *
 * libostree calls it as "PROGRAM -o OUT" while the directory of OUT is not yet the one that boots,
 * and gives up the deployment when it fails. So: either the whole menu is written or the old file
 * stays, and every reason is reported.
 */
#pragma once

#include "bls/args.h"
#include "bls/loader.h"

struct generator {
	const struct loader *loader;
	const char *help;
	const struct args_option *options; /* besides the common ones; ends without a name */
	bool (*options_valid)(const struct reporter *reporter); /* if not, the reason is reported */
	/* Finds what the menu says besides the entries, before it is rendered. 0 or, reported,
	 * -1. */
	int (*prepare)(const struct loader_job *job);
};

/* The whole program; returns its exit status. */
int generator_main(const struct generator *generator, int argc, char *const argv[]);
