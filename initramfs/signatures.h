/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * marks: what is said of a device that is no file system, or not only one.
 *
 * Such a device is never mounted in silence: what it looks like may be the remains below a volume
 * that is in use, and to write there destroys it. The sentence names all that was found, and the
 * command that removes what is a leftover.
 */
#pragma once

#include "initramfs/device.h"
#include "prepare-root/log.h"

enum { SIGNATURES_SIZE = PROBE_SIGNATURES_MAX * sizeof((struct tags *)NULL)->type };

/* Names all that was found, separated by commas. */
void signatures_names(struct device *device, char ret_names[SIGNATURES_SIZE]);

/* True if all that the bytes look like are file systems, of which rootfstype= may choose one. */
bool signatures_are_filesystems(struct device *device);

/*
 * Sets the sentence about the device, which root= names. Returns -ENOTUNIQ if there is a file
 * system among the marks, else -EMEDIUMTYPE.
 */
int signatures_fault(struct device *device, const char *root, struct fault *ret_fault);
