/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts that a deployment's init was promised, as it found them and after it did what an init
 * does with them. A check that cannot be made is a check that failed.
 */
#pragma once

#include "qemu-tests/guest/expect.h"

/* The root before and after the tree's own "mount -o remount,rw /" and "mount -a". */
void mounts_check(const struct expect *expect);
