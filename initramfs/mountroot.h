/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mountroot: mounts the root file system, the way the kernel would have mounted it.
 *
 * What is on the device decides the type, not trying; only where rootfstype= names types that the
 * bytes do not confirm are those tried, in their order. Something that is no file system, one leg
 * of a RAID or a volume that is encrypted or divided, is never mounted, whatever it looks like to a
 * driver.
 */
#pragma once

#include "initramfs/devices.h"
#include "initramfs/rootparams.h"
#include "prepare-root/log.h"

/*
 * Mounts the device on the directory. Returns 0, or a negative errno with the sentence set.
 */
int mountroot_device(const struct rootparams *params, struct devices *devices,
	struct device *device, const char *directory, struct fault *ret_fault);

/*
 * Mounts a source that is no block device, with the types of rootfstype= (or, for UBI and MTD, the
 * usual ones). Returns as mountroot_device does.
 */
int mountroot_source(const struct rootparams *params, const char *source, const char *directory,
	struct fault *ret_fault);
