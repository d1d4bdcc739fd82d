/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fstab: whether a tree's own fstab(5) mounts something on a directory.
 *
 * The text is read as libmount reads it, with its octal escapes. A mount point may be written in
 * more than one way: repeated slashes, "." and ".." are resolved, symbolic links are not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True if a line mounts something on target, given as "/NAME". */
bool fstab_has(const char *text, size_t len, const char *target);
