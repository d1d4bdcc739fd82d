/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * otherloader: signs of a boot loader that needs no menu beside the entries.
 *
 * GRUB with blscfg and systemd-boot read the entries themselves; libostree's writer for syslinux
 * has a file of its own; on EFI a GRUB may have a menu with the entries in its own directory.
 */
#pragma once

#include <stdbool.h>

/*
 * True if one of these is in the sysroot, as far as its file systems are mounted. A configuration
 * of GRUB counts that has blscfg or ostree= in it: not grub/stub.cfg, which looks for our menu.
 */
bool otherloader_is_there(int root_fd);
