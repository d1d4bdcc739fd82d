/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * file: the bytes of a file on a disk that is not trusted.
 *
 * Only regular files are opened, a symlink as the last component is not followed, and no file, for
 * example a FIFO, can block the caller.
 */
#pragma once

#include <sys/types.h>

#include "bls/text.h"

/* Opens a file called name in the directory dir_fd. Returns a descriptor or a negative errno;
 * -ELOOP: it is not a regular file. */
int file_open(int dir_fd, const char *name);

/* Reads at most size bytes of the file called name in the directory dir_fd. Returns their number or
 * a negative errno; -ELOOP: it is not a regular file. */
ssize_t file_read(int dir_fd, const char *name, char *buffer, size_t size);

/* Adds a whole file of at most max bytes to text. Returns 0 or a negative errno, as above; -EFBIG
 * when it is larger. */
int file_add(int dir_fd, const char *name, size_t max, struct text *text);

/* The same for a path, whose symlinks are followed as after chroot(2) to root_fd. -ENOENT when it is
 * not there. */
int file_add_in(int root_fd, const char *path, size_t max, struct text *text);

/* Opens a file as file_open() does, by a path that must not lead out of dir_fd. */
int file_open_beneath(int dir_fd, const char *path);
