/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device: the block devices that are there, and which of them root= means.
 *
 * The list is the kernel's, from the files uevent in /sys/class/block, which tell names, numbers
 * and PARTLABEL. A device is read only when a tag is asked for, and once, until a message of the
 * kernel says that it has changed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "initramfs/tags.h"
#include "initramfs/wanted.h"

enum { DEVICES_MAX = 4096 };

struct device {
	char name[64]; /* below /dev: sda2, cciss/c0d0p1 */
	char disk[64]; /* of which it is a partition; "" for a whole disk */
	dev_t number;
	unsigned partition;  /* its number there, from 1 */
	int fd;		     /* open for reading, -1 before */
	char partlabel[128]; /* as the kernel has it: "!" for each letter outside ASCII */
	char partname[128];  /* the same in UTF-8, "" before the table is read */
	char partuuid[64];   /* "" where the partition table has none */
	bool table_read;     /* partuuid is known */
	bool name_read;	     /* partname is known */
	bool guessed;	     /* tags and error are known, but see tags_guess */
	bool probed;	     /* they are true */
	int error;	     /* why there are no tags, see tags_read */
	struct tags tags;
	bool doubtful; /* it has the tag that is wanted, but is something else, or that too */
	bool seen;     /* by the scan under way */
};

/* In the order of disks' names, sdb before sdaa, then of the partitions' numbers. */
struct devices {
	struct device *at[DEVICES_MAX];
	size_t count;
	int dev;	/* descriptor of /dev */
	bool force_gpt; /* see tags_partitions */
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

/*
 * Returns the first device that is wanted and can be opened, or NULL, and sets how many others are
 * it too. Reads the disks whose tags are not known yet, and may be needed. A device is not wanted
 * for the tag of a file system that is not all that its bytes are; it is marked as doubtful.
 */
struct device *devices_find(
	struct devices *devices, const struct wanted *wanted, unsigned *ret_others);

/* False for memory and unused loop devices, which nobody looks for. */
bool device_is_listed(const struct device *device);

/*
 * False for what is not to be read unless it is named: besides those, floppies, raw flash, and
 * disks with partitions, whose first bytes belong to nobody.
 */
bool device_may_be_read(const struct devices *devices, const struct device *device);

/* Opens a device for reading, unless it is open. Returns 0 or a negative errno. */
int device_open(const struct devices *devices, struct device *device);

/* Closes it. At the last close the kernel forgets what was read of it. */
void device_close(struct device *device);

/* To be called when messages were lost: what was read of the devices may not be true any more. */
void devices_forget(struct devices *devices);

/*
 * Reads the tags of a device, unless they are known, and leaves it open. An error, which may be one
 * of this moment, is not remembered.
 */
void device_probe(struct devices *devices, struct device *device);

/* Likewise, but reads less and may miss something, see tags_guess. */
void device_guess(struct devices *devices, struct device *device);

/* Reads the partition tables that are not known; for names too, which the kernel never tells. */
void devices_read_tables(struct devices *devices, bool names);
