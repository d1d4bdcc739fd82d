/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mounts that a deployment's init may rely on, as it finds them and after it has remounted and
 * mounted as an init does. A check that cannot be made has failed.
 */
#pragma once

#include "qemu-tests/guest/expect.h"

/* The root before and after the tree's own "mount -o remount,rw /" and "mount -a". */
void mounts_check(const struct expect *expect);
