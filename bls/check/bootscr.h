/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootscr: the files that U-Boot's usual boot command looks for before it has any menu, where they
 * can be seen: on the file systems of ROOT and of ROOT/boot.
 *
 * Of each file system it takes the first that is there: extlinux/extlinux.conf, then boot.scr.uimg
 * or boot.scr, each in "/" and "/boot/" (U-Boot, include/config_distro_bootcmd.h). A board may also
 * read the menu by its own environment, so that none of them is no fault.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/sysroot.h"

/* Checks that one of them, if there is any, leads to the menu in boot/loader. */
void bootscr_check(const struct sysroot *sysroot, struct findings *findings);
