/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an initramfs leaves to the real init, besides the tree's mounts: the kernel's own file
 * systems, its memory, freed, and a process 1 that has waited without being busy. And the root of a
 * boot without OSTree.
 */
#pragma once

#include "qemu-tests/guest/expect.h"

/* How often this process, which was the kernel's own thread and the initramfs' init before, has
 * given up the processor to wait; -1 if /proc does not say. To be called before it does more. */
long initramfs_switches(void);

/* Whether the kernel's file systems are mounted, and how. To be called before we mount them. */
bool initramfs_handed(void);

/*
 * What initramfs_handed() returned, the memory, and the switches as initramfs_switches() returned
 * them, less those that guest/before.c has left in the environment.
 */
void initramfs_check(const struct expect *expect, long switches, bool handed);

/* A plain boot: the root is the whole file system and can be written, and nothing is prepared. */
void initramfs_plain(const struct expect *expect);
