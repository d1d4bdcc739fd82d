/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * otherloader: signs of a boot loader that needs no menu beside the entries.
 *
 * GRUB with blscfg, and systemd-boot, read the entries themselves. libostree's writer for syslinux
 * has its own file. On EFI, GRUB may have a menu with the entries in its own directory.
 */
#pragma once

#include <stdbool.h>

/* True if one of them is in the sysroot, as far as its file systems are mounted. A GRUB
 * configuration counts if it contains blscfg or ostree=; grub/stub.cfg, which looks for our menu,
 * contains neither. */
bool otherloader_is_there(int root_fd);
