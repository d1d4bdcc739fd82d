/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * layout: whether a loader can read the file system that /boot is on, and whether an update in it
 * can be made so that a loss of power leaves a menu.
 *
 * What loaders can read was tried with Debian's GRUB 2.06 and U-Boot 2021.01 to 2025.01; others may
 * differ, so all that is found are warnings. Each says how to make a file system that will do.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/bootfs.h"
#include "bls/loader.h"

/*
 * Adds what is in this loader's way. Nothing is found where bootfs has no type, nor in the features
 * of an ext4 on a device that cannot be opened, which bootfs tells.
 */
void bootfs_limits_check(const struct sysroot *sysroot, const struct bootfs *bootfs,
	const struct loader *loader, struct findings *findings);
