/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree: looks into a directory tree that nobody vouches for.
 *
 * Links are followed inside the tree or not at all, and only regular files are opened: a device or
 * a pipe would do something by being opened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Larger configuration files than this are refused. */
enum { TREE_FILE_MAX = 65536 };

/* The S_IFMT bits of path below dir, of a link itself, or 0 if it is not there. */
mode_t tree_type(int dir, const char *path);

/*
 * Reads a file of at most TREE_FILE_MAX bytes, links followed as if dir were "/". Returns its
 * length or a negative errno: -ENOENT or -ENOTDIR if it is not there, -EFBIG, -EINVAL for what is
 * no file.
 */
ssize_t tree_read(int dir, const char *path, char ret_text[TREE_FILE_MAX]);
