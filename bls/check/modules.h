/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules: lists of kernel modules: those built into a tree's kernel, and those in an initramfs.
 *
 * A list is a text of names, in which "-" became "_", as the kernel itself does.
 */
#pragma once

#include <stdbool.h>

#include "bls/text.h"

/* Adds the module with this path, for example "fs/ext4/ext4.ko.xz". Returns false, and adds
 * nothing, for the path of another file. */
bool modules_add(struct text *list, const char *path);

/* True if the list has the module with this name. */
bool modules_have(const struct text *list, const char *name);

/* Sets the name of the only directory in the usr/lib/modules of a deployment that has this file, the
 * release of a kernel, to be freed. Returns 0, or a negative errno with *ret_release NULL: -ENOENT if
 * there is no such directory, -ENOTUNIQ if there are several. */
int modules_release(int deployment_fd, const char *file, char **ret_release);

/* Adds what is built into the kernel of a deployment, by the modules.builtin in usr/lib/modules,
 * and sets the release as modules_release() does, with its errors. */
int modules_builtin(int deployment_fd, struct text *list, char **ret_release);
