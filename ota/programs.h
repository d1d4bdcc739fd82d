/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * programs: rootstock's own programs in a tree, and the settings by which libostree calls the
 * generator of the boot loader's menu.
 *
 * They are for the tree's architecture: from a folder that --programs names, else from where this
 * program is: build/ARCH/ beside a build folder, or lib/rootstock/ARCH/ and lib/ostree/ beside bin/.
 */
#pragma once

#include "ota/layout.h"

/* Adds what the tree lacks. loader is "grub", "uboot", or NULL: by the kernel's architecture. */
gboolean programs_add(struct layout *layout, const char *loader, GError **error);

/* The path of a program for an architecture, EM_... of elf.h, or NULL. */
char *programs_find(const char *folder, const char *name, unsigned machine);
