/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint: why the root file system could not be mounted, and what to do about it.
 *
 * The error number of mount(2) means something else for each file system, so a hint goes by what is
 * known besides: what the bytes are, which options were asked for, whether the device can be
 * written to, on how many devices the file system is.
 */
#pragma once

#include "initramfs/devices.h"
#include "initramfs/rootparams.h"

enum { HINT_SIZE = 256 };

/*
 * Sets a clause for the end of the sentence about a device, mounted as type, that failed with err,
 * a negative errno; "" if nothing is known. May read other devices, to find the rest of a btrfs.
 */
void hint_device(const struct rootparams *params, struct devices *devices, struct device *device,
	const char *type, int err, char ret_hint[static HINT_SIZE]);

/* Likewise for a source that is no block device. */
void hint_source(const char *type, int err, char ret_hint[static HINT_SIZE]);
