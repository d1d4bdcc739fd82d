/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * enter: the way from the initramfs into the root file system, and what is left behind.
 *
 * pivot_root(2) does not work on the kernel's rootfs (before Linux 7.0), so the root file system is
 * moved onto "/" and entered, after which everything looks as if the kernel had mounted it there
 * itself. The initramfs, out of reach of every path, is kept by a descriptor until it is freed.
 */
#pragma once

#include <stdbool.h>

#include "prepare-root/log.h"

/* Where the root file system is mounted before it is entered. */
#define ENTER_SYSROOT "/sysroot"

/* True if "/" is in memory, as an initramfs is. */
bool enter_is_initramfs(void);

/*
 * Makes the directories that are needed and mounts /proc and /dev, unless they are mounted. Returns
 * 0 or a negative errno with the sentence set.
 */
int enter_world(struct fault *ret_fault);

/* Mounts /sys. Returns a descriptor of /sys/class/block, or a negative errno with the fault set. */
int enter_sysfs(struct fault *ret_fault);

/*
 * Enters the file system mounted on ENTER_SYSROOT; /dev, /proc and /sys go along where it has the
 * directories. Returns 0 or a negative errno with the sentence set.
 */
int enter_root(struct fault *ret_fault);

/* A descriptor of the root of the initramfs that was left, until it is freed; -1 before. */
int enter_initramfs(void);

/*
 * Frees the memory of the initramfs: removes all its files, on a ramfs or tmpfs and nowhere else,
 * without leaving that file system or following a link.
 */
void enter_free(void);

/* Back to the initramfs, unmounting the root file system. Harmless if it was not left. */
void enter_back(void);
