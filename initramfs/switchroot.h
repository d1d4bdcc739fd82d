/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * switchroot: the way from the initramfs to the root file system, and back.
 *
 * pivot_root(2) does not work on the kernel's rootfs before Linux 7.0. So the root file system is
 * moved onto "/" and entered; then everything looks as if the kernel itself had mounted it there.
 * No path leads to the initramfs any more; a descriptor keeps it until it is freed.
 */
#pragma once

#include <stdbool.h>

#include "prepare-root/log.h"

/* Where the root file system is mounted before the switch. */
#define SWITCHROOT_DIR "/sysroot"

/* True if "/" is in memory, as an initramfs is. */
bool switchroot_is_initramfs(void);

/*
 * Mounts /dev and /proc, and makes the directories, unless they are mounted. Returns 0 or a
 * negative errno with the sentence set.
 */
int switchroot_mount_early(struct fault *ret_fault);

/* Likewise /sys. */
int switchroot_mount_sysfs(struct fault *ret_fault);

/*
 * Makes the file system on SWITCHROOT_DIR the root. Moves /dev, /proc, /sys and /run into it if it
 * has the directories. Returns 0 or a negative errno with the sentence set.
 */
int switchroot_enter(struct fault *ret_fault);

/* Returns a descriptor of the root of the initramfs between the switch and its end, else -1. */
int switchroot_initramfs(void);

/*
 * Frees the memory of the initramfs: removes all its files, if it is a ramfs or tmpfs, without
 * leaving that file system or following a link.
 */
void switchroot_free_initramfs(void);

/* Returns to the initramfs and unmounts the root file system. Harmless before the switch. */
void switchroot_return(void);
