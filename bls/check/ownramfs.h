/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ownramfs: an initramfs that comes with the kernel, so that the entry needs no initrd: in a FIT, or
 * in the kernel itself (CONFIG_INITRAMFS_SOURCE).
 *
 * What is in it is not known.
 */
#pragma once

#include "bls/check/subject.h"

/* Sets the subject's initrd if the kernel has one, or may have one. Adds a warning where that is
 * not known. */
void ownramfs_check(struct subject *subject);
