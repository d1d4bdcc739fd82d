/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checks of what a deployment's real init may rely on, one line of the report each. A check
 * that cannot be made has failed.
 */
#pragma once

#include "qemu-tests/guest/expect.h"

#include <stdbool.h>

/* What the process itself got. Taken before the probe opens any descriptors of its own. */
struct start {
	int argc;
	char **argv;
	char **envp;
	int descriptors; /* how many are open above 2 */
	bool console;	 /* 0, 1 and 2 are the console */
	double prepared; /* seconds since "Run ... as init process"; < 0: unknown */
};

/* Fills RET from main()'s arguments and the open descriptors. */
void checks_take(int argc, char **argv, char **envp, struct start *ret);

/* Process ID, arguments, environment, descriptors. */
void checks_process(const struct start *start, const struct expect *expect);

/* /dev and /run as they were handed over, before anybody mounted anything. */
void checks_handed(const struct expect *expect);

/* Files: what can be written, what is kept, what libostree reports. Returns the number of this boot
 * of the deployment, from 0, as counted in its /etc. */
unsigned checks_files(const struct expect *expect);
