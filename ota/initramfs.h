/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * initramfs: one for the tree, made by rootstock-mkinitramfs of the tree's own modules.
 *
 * The machine is not known when a commit is made, so the image gets the drivers of the usual disks,
 * ext4 and overlay, as far as they are modules of this kernel, and what else the caller names.
 */
#pragma once

#include "ota/layout.h"

/* Makes it, of the modules in usr/lib/modules/RELEASE. *ret_folder is a temporary folder, to be removed
 * by initramfs_remove(), with the file "initramfs" in it. */
gboolean initramfs_make(struct layout *layout, char **ret_folder, GError **error);

void initramfs_remove(char *folder);
