/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * var: where a deployment's /var is, and whether anybody in its tree mounts it.
 *
 * A /var that we have mounted already is one that systemd takes for done: so where the tree has a
 * partition for it, in fstab or as a unit, or libostree's generator, it must be left alone; and
 * where all of these have been switched off, nobody would mount it but us.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

/*
 * Finds the stateroot's var of the deployment, STATEROOT/deploy/CHECKSUM.SERIAL below the directory
 * root; it may be a link that stays below root. Returns 0 with the path from root, without links,
 * or a negative errno: -EXDEV for a link that leads out, -ENOENT, -ENOTDIR.
 */
int var_find(int root, const char *deployment, char ret_path[PATH_MAX]);

/*
 * True if the tree mounts its own /var. init is the path of its init, from tree and without links.
 * Of systemd's units the one in /etc counts before the generators', and theirs before the one in
 * /usr (systemd.unit(5)); a mask, and a link that systemd takes for none of its mount units, means
 * that nobody mounts.
 */
bool var_is_the_trees(int tree, const char *init);
