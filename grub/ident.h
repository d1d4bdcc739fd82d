/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ident: a name for a menu entry that does not depend on its place in the menu.
 *
 * GRUB's default takes it. A number would be read as a place, and places move with every
 * deployment, so it is made of what the ostree= argument names:
 * "ostree-STATEROOT-BOOTCSUM-SERIAL". BOOTCSUM stands for a kernel and initramfs, and libostree
 * counts the deployments that share them from the newest, so the name with SERIAL 0 is the newest
 * one with that kernel, also after updates at which libostree leaves the menu alone. An entry that
 * is not libostree's, or has no such argument, is called like its file.
 */
#pragma once

#include "bls/menu.h"

/* The name, to be freed; NULL without memory. */
char *ident_make(const struct menu_item *item);
