/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * path: resolves symbolic links inside a directory, so that no path leaves it.
 *
 * openat2(2) can do this since Linux 5.6. But older kernels are in use, the plan needs the path
 * without links as text, and /proc may not be mounted to ask for it. So this walk is used on every
 * kernel. It refuses what RESOLVE_BENEATH with RESOLVE_NO_MAGICLINKS refuses; a test compares them.
 */
#pragma once

#include <limits.h>

enum path_rule {
	PATH_BENEATH, /* an absolute link, or ".." above the directory, is refused */
	PATH_IN_ROOT, /* both stay inside, as after chroot(2) */
};

/*
 * Resolves path, with or without leading "/", below the directory root, and sets the path from
 * root, without links, "." and "..", and without leading "/". Returns 1 if the last component of
 * path was itself a link, else 0; -EXDEV if it would leave root, -ELOOP after 40 links, -ENAMETOOLONG, or
 * the errno of readlinkat(2): -ENOENT for a dangling link, with the path up to the first name that
 * is not there, -ENOTDIR for a file in mid-path.
 */
int path_resolve(int root, const char *path, enum path_rule rule, char ret_path[PATH_MAX]);

/*
 * Opens a path that path_resolve has set. Returns a descriptor or a negative errno; -ELOOP for a
 * link that has come into the path meanwhile. Before Linux 5.6 only one at its end is noticed.
 */
int path_open(int root, const char *path, int flags);
