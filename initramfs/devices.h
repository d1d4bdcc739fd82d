/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * devices: the list of block devices, kept up to date with the kernel's.
 *
 * It comes from /sys/class/block. What was read of a device is kept until a message of the kernel
 * reports that the device has changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "initramfs/device.h"

enum { DEVICES_MAX = 4096 };

/* In the order of disks' names, sdb before sdaa, then of the partitions' numbers. */
struct devices {
	struct device *at[DEVICES_MAX];
	size_t count;
	int dev;	/* descriptor of /dev */
	bool force_gpt; /* see probe_partitions */
};

/*
 * Brings the list up to date with the directory class, /sys/class/block. Returns 0 or a negative
 * errno: -ENOSPC when there are more devices than DEVICES_MAX, the others being there.
 */
int devices_scan(struct devices *devices, int class);

/*
 * Takes in one message of the kernel (lib/kobject_uevent.c): "ACTION@PATH", then KEY=VALUE, each
 * ended by a zero byte. What was read of the device that it is about is forgotten. Returns whether
 * that is a block device, so that the list may have changed.
 */
bool devices_event(struct devices *devices, const char *message, size_t size);

/* To be called when messages were lost: forgets what was read of all devices. */
void devices_forget(struct devices *devices);

/*
 * False for what is read only if root= names it: memory, unused loop devices, floppies, raw flash,
 * and disks with partitions, whose first bytes belong to no file system.
 */
bool devices_may_be_read(const struct devices *devices, const struct device *device);

/* Reads the partition tables not known yet, or whose names are not; the kernel reports no names. */
void devices_read_tables(struct devices *devices, bool names);
