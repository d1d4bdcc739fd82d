/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bootfs-limits: whether a boot loader can read the file system that has /boot, and whether an
 * update there is safe from a loss of power.
 *
 * What loaders can read was tried with Debian's GRUB 2.06, 2.12 and 2.14 and with U-Boot 2021.01 to
 * 2025.01. Other versions may differ, so all findings are warnings. Each one names a file system
 * that works.
 */
#pragma once

#include "bls/check/findings.h"
#include "bls/bootfs.h"
#include "bls/loader.h"

/* Adds what this loader cannot read. Nothing is found if bootfs has no type; the features of ext4
 * are not checked if the device cannot be opened, which bootfs has reported. */
void bootfs_limits_check(const struct sysroot *sysroot, const struct bootfs *bootfs,
	const struct loader *loader, struct findings *findings);
