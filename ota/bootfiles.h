/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootfiles: the kernel and what a boot loader loads with it, found in boot/ and usr/lib/modules and put
 * where libostree looks: usr/lib/modules/RELEASE/{vmlinuz,initramfs.img,devicetree,dtb/}.
 *
 * libostree takes one of several kernels without a word, so there must be one. A file counts as a
 * kernel by its name and its first bytes. What a board's own boot script needs goes into
 * usr/lib/ostree-boot; boot loaders themselves belong to the disk.
 */
#pragma once

#include "ota/layout.h"

/* Moves everything out of boot/, and sets the release and the machine of the kernel. */
gboolean bootfiles_settle(struct layout *layout, GError **error);
