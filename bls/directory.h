/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* directory: the names in a directory, one after the other. */
#pragma once

/* Calls take with each name, "." and ".." among them, until it returns something other than 0, and
 * returns that, else 0 or the negative errno of opening or reading the directory. The caller's
 * descriptor keeps its position. */
int directory_each(
	int dir_fd, int (*take)(void *context, int dir_fd, const char *name), void *context);

/* The same for the directory at a path, whose symlinks are followed as after chroot(2) to root_fd. */
int directory_each_in(int root_fd, const char *path,
	int (*take)(void *context, int dir_fd, const char *name), void *context);
