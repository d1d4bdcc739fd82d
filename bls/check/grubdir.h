/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * grubdir: GRUB's own configuration, which it reads before any menu, where it can be seen: in
 * boot/grub, in boot/grub2, and in each directory of a mounted EFI system partition; and GRUB's
 * version.
 */
#pragma once

#include <stdbool.h>

#include "bls/bootfs.h"
#include "bls/check/findings.h"
#include "bls/sysroot.h"
#include "bls/text.h"

/* Calls take with the path, from ROOT, and the content of each grub.cfg there, until it returns
 * something other than 0, and returns that, else 0. */
int grubdir_each(int root_fd, int (*take)(void *context, const char *path, const struct text *text),
	void *context);

/* Returns true if the modules of each GRUB in boot/grub and boot/grub2 are of this version, such as
 * "2.12", or a newer one, and false if one is older, or none can be seen. */
bool grubdir_is_since(int boot_fd, const char *version);

/* Checks that one of them, if there is any, leads to the menu in boot/loader, and that a file
 * system for which one searches is the one with /boot. */
void grubdir_check(
	const struct sysroot *sysroot, const struct bootfs *bootfs, struct findings *findings);
