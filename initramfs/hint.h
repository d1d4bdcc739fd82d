/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint: why the root file system could not be mounted, and what to do about it.
 *
 * An error number of mount(2) has another meaning for each file system. So a hint also depends on
 * what the device contains, the options, whether the device can be written to, and on how many
 * devices the file system is.
 */
#pragma once

#include "initramfs/devices.h"
#include "initramfs/rootparams.h"

enum { HINT_SIZE = 256 };

/*
 * Sets a clause for the end of the sentence about a device that could not be mounted as type: err is
 * a negative errno. "" if nothing is known. May read other devices, to find the rest of a btrfs.
 */
void hint_device(const struct rootparams *params, struct devices *devices, struct device *device,
	const char *type, int err, char ret_hint[static HINT_SIZE]);

/* Likewise for a source that is not a block device. */
void hint_source(const char *type, int err, char ret_hint[static HINT_SIZE]);
