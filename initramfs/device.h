/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * device: one block device, and what is known about it.
 *
 * Names, numbers and PARTLABEL come from the kernel, from the device's uevent. The device itself is
 * read only when its tags are needed, and once, until device_forget.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "initramfs/probe.h"
#include "initramfs/uevent.h"

struct device {
	char name[64]; /* below /dev: sda2, cciss/c0d0p1 */
	char disk[64]; /* of which it is a partition; "" for a whole disk */
	dev_t number;
	unsigned partition;  /* its number there, from 1 */
	int dev;	     /* descriptor of /dev */
	int fd;		     /* open for reading, or -1 */
	char partlabel[128]; /* as the kernel has it: "!" for each letter outside ASCII */
	char partname[128];  /* the same in UTF-8, "" before the table is read */
	char partuuid[64];   /* "" where the partition table has none */
	bool table_read;     /* partuuid is known */
	bool name_read;	     /* partname is known */
	bool guessed;	     /* tags and error are known, but see probe_guess */
	bool probed;	     /* they are true */
	int error;	     /* why there are no tags, see probe_read */
	struct tags tags;
	bool doubtful; /* it has the tag of root=, but is something else, or that too */
	bool seen;     /* by the scan under way */
};

/*
 * Fills a device from its uevent and the path of its directory in /sys. Returns false for what does
 * not fit, or is not a device.
 */
bool device_fill(const struct uevent *uevent, const char *path, int dev, struct device *ret_device);

/* Opens the device for reading, unless it is open. Returns 0 or a negative errno. */
int device_open(struct device *device);

/* Closes it. At the last close the kernel drops what it has cached of it. */
void device_close(struct device *device);

/* Closes it, and forgets what was read from it. */
void device_forget(struct device *device);

/*
 * Reads the tags of the device, unless they are known, and leaves it open. An error that may pass
 * is not remembered.
 */
void device_probe(struct device *device);

/* Likewise, but reads less and may miss something, see probe_guess. */
void device_guess(struct device *device);

/* False for memory and unused loop devices, of which none holds the root. */
bool device_is_listed(const struct device *device);

/* True for floppy drives and raw flash. */
bool device_is_slow(const struct device *device);
