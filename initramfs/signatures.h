/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * signatures: describes a device that is not a file system, or not only one.
 *
 * Such a device is never mounted silently: the file system may be the remains in a volume that is
 * in use, and writing to it would destroy that. The sentence names all signatures, and the command
 * that removes one that is left over.
 */
#pragma once

#include "initramfs/device.h"
#include "prepare-root/log.h"

enum { SIGNATURES_SIZE = PROBE_SIGNATURES_MAX * sizeof((struct tags *)NULL)->type };

/* Sets the types of all signatures, separated by commas. */
void signatures_names(struct device *device, char ret_names[SIGNATURES_SIZE]);

/* True if all signatures are of file systems, of which rootfstype= may choose one. */
bool signatures_are_filesystems(struct device *device);

/*
 * Sets the sentence about the device, which root= names. Returns -ENOTUNIQ if one of the signatures
 * is of a file system, else -EMEDIUMTYPE.
 */
int signatures_fault(struct device *device, const char *root, struct fault *ret_fault);
