/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ident: a name for a menu entry that does not depend on its place in the menu.
 *
 * GRUB's default setting takes it. A number would mean a place, and places change with every
 * deployment, so the name is made of the ostree= argument: "ostree-STATEROOT-BOOTCSUM-SERIAL".
 * BOOTCSUM stands for a kernel and its initramfs. libostree numbers the deployments that share
 * them, the newest first, so the name with SERIAL 0 is the newest deployment with that kernel, even
 * after updates that do not change the menu. An entry that is not libostree's, or has no such
 * argument, gets its file's name.
 */
#pragma once

#include "bls/menu.h"

/* The name, to be freed; NULL without memory. */
char *ident_make(const struct menu_item *item);
