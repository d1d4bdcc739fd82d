/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree: looks into a directory tree that is not trusted.
 *
 * Links are followed inside the tree or not at all. Only regular files are opened: opening a device
 * or a pipe has effects.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Larger configuration files than this are refused. */
enum { TREE_FILE_MAX = 65536 };

/* Returns the S_IFMT bits of path below dir, without following it, or 0 if it does not exist. */
mode_t tree_type(int dir, const char *path);

/*
 * Reads a file of at most TREE_FILE_MAX bytes, links followed as if dir were "/". Returns its
 * length or a negative errno: -ENOENT or -ENOTDIR if it does not exist, -EFBIG, -EINVAL if it is not
 * a regular file.
 */
ssize_t tree_read(int dir, const char *path, char ret_text[TREE_FILE_MAX]);
