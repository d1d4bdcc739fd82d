/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * deployment: the tree that an entry boots.
 *
 * prepare-root's code follows the bootlink, so the deployment found here is the one that will boot.
 * Nothing outside the sysroot is ever opened.
 */
#pragma once

/* Opens the directory that the value of an ostree= argument leads to in the sysroot root_fd.
 * Returns a descriptor or a negative errno: -EXDEV when the link would leave the sysroot, -EINVAL
 * when it is not a symlink, -ENOENT when it dangles. */
int deployment_open(int root_fd, const char *ostree);

/* The same for an entry's options: the first ostree= counts. -ENOENT if there is none. */
int deployment_find(int root_fd, const char *options);
