/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * realinit: the init of a tree: which file it is, and the exec that ends our part of the boot.
 */
#pragma once

#include <limits.h>

#include "prepare-root/log.h"

/*
 * Finds init in the tree that the descriptor root is: wanted (or NULL), else the first of
 * /sbin/init, /etc/init and /bin/init that is an executable file, links followed inside the tree.
 * Returns wanted or a constant, or NULL; sets the path from root without links.
 */
const char *realinit_find(int root, const char *wanted, char ret_path[PATH_MAX]);

/*
 * Likewise, with a warning if it is not the one that was wanted, and with the sentence set where
 * there is none. In both the tree is called by tree and path, the one followed by the other.
 */
const char *realinit_choose(int root, const char *tree, const char *path, const char *wanted,
	char ret_path[PATH_MAX], struct fault *ret_fault);

/*
 * Calls before_init, unless it is NULL, and executes init. Returns only if that fails, a negative
 * errno with the sentence set.
 */
int realinit_execute(
	const char *init, char **argv, void (*before_init)(void), struct fault *ret_fault);
