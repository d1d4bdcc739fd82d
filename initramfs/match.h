/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * match: which of the block devices root= means.
 *
 * Devices are read only for a tag that the kernel does not report, and no more than needed. A
 * device does not match by the tag of a file system if its bytes are something else too.
 */
#pragma once

#include "initramfs/devices.h"
#include "initramfs/rootspec.h"

/*
 * Returns the first device that matches and can be opened, or NULL, and sets how many others match
 * too; the other devices of one btrfs do not count. A device whose bytes are not only the file
 * system with the tag is marked as doubtful.
 */
struct device *match_find(
	struct devices *devices, const struct rootspec *spec, unsigned *ret_others);
