/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * var: where a deployment's /var is, and whether its tree mounts it itself.
 *
 * systemd does not mount /var again if we have mounted it. So we must not if the tree mounts it, by
 * fstab, by a unit or by libostree's generator; and we must if all of these are missing or switched
 * off.
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
 * systemd prefers a unit in /etc to the generators', and theirs to one in /usr (systemd.unit(5)). A
 * masked unit, or a link that systemd does not accept as a mount unit, mounts nothing.
 */
bool var_is_the_trees(int tree, const char *init);
