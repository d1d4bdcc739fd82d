/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mountroot: mounts the root file system as the kernel would have mounted it.
 *
 * The type is the one that the device contains; no types are tried. Only if rootfstype= names other
 * types, those are tried in their order. A device that is not a file system, such as a member of a
 * RAID or an encrypted volume, is never mounted, even if a driver would accept it.
 */
#pragma once

#include "initramfs/devices.h"
#include "initramfs/rootparams.h"
#include "prepare-root/log.h"

/* Mounts the device on the directory. Returns 0, or a negative errno with the sentence set. */
int mountroot_device(const struct rootparams *params, struct devices *devices,
	struct device *device, const char *directory, struct fault *ret_fault);

/*
 * Mounts a source that is not a block device, with the types of rootfstype= (or, for UBI and MTD,
 * the usual ones). Returns as mountroot_device does.
 */
int mountroot_source(const struct rootparams *params, const char *source, const char *directory,
	struct fault *ret_fault);
