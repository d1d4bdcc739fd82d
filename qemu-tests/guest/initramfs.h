/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Checks of what an initramfs leaves to the real init, in addition to the tree's mounts: the
 * kernel's file systems are mounted, its memory is free, and process 1 did not poll. And checks of
 * a boot without OSTree.
 */
#pragma once

#include "qemu-tests/guest/expect.h"

/* How often this process has given up the processor to wait, since it was a thread of the kernel
 * and the initramfs' init; -1 if /proc does not say. Call it before this process waits itself. */
long initramfs_switches(void);

/* Whether the kernel's file systems are mounted, with their options. Call before mounting any. */
bool initramfs_handed(void);

/*
 * Checks the results of initramfs_handed() and initramfs_switches(), and the free memory. The
 * switches that guest/before.c has stored in the environment do not count.
 */
void initramfs_check(const struct expect *expect, long switches, bool handed);

/* Checks a plain boot: / is the root directory of its file system, writable, and not prepared. */
void initramfs_plain(const struct expect *expect);
