/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deployment: the tree that an entry boots, and the files in it that a generator reads.
 *
 * prepare-root's code follows the bootlink, so the deployment found here is the one that will boot.
 * Nothing outside the sysroot, and for a file outside the deployment, is ever opened.
 */
#pragma once

#include "bls/text.h"

/* Opens the directory that the value of an ostree= argument leads to in the sysroot root_fd.
 * Returns a descriptor or a negative errno: -EXDEV when the link would leave the sysroot, -EINVAL
 * when it is not a symlink, -ENOENT when it dangles. */
int deployment_open(int root_fd, const char *ostree);

/* The same for an entry's options: the first ostree= counts. -ENOENT if there is none. */
int deployment_find(int root_fd, const char *options);

/*
 * Adds the content of a file in the deployment, of at most max bytes, to text. Symlinks in its path
 * are followed as after chroot(2). Returns 0 or a negative errno: -ENOENT when it is not there,
 * -EFBIG when it is larger, -ELOOP when it is not a regular file.
 */
int deployment_read(int deployment_fd, const char *path, size_t max, struct text *text);
