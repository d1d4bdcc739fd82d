/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * search: finds the device of root=, and waits for it.
 *
 * It sleeps until the kernel reports a change; only without netlink does it poll. A long wait is
 * reported with the devices found so far. When the time is up, all devices are listed, so that a
 * typo is easy to see.
 */
#pragma once

#include <stdint.h>

#include "initramfs/devices.h"
#include "initramfs/rootparams.h"
#include "initramfs/rootspec.h"

/* Milliseconds to the first line about waiting, to the next, between looks without netlink. */
enum { SEARCH_FIRST_LINE = 5000, SEARCH_NEXT_LINE = 10000, SEARCH_POLL = 20 };

struct search {
	const struct rootparams *params;
	struct devices devices; /* dev is set by the caller */
	int class;	     /* of /sys/class/block; negative for a source that is not a device */
	const char *trouble; /* then why it could not be mounted last time; may be NULL */
	bool doubt_reported;
	int uevents; /* from uevent_open, opened before; negative where there is none */
	uint64_t start, next_line; /* CLOCK_MONOTONIC, milliseconds; 0 before the first wait */
};

/*
 * Finds the device. Returns 0, or a negative errno with the sentence set: -ETIMEDOUT after all
 * devices have been logged.
 */
int search_device(struct search *search, const struct rootspec *spec, struct device **ret_device,
	struct fault *ret_fault);

/*
 * Logs the block devices that were found, with all tags that root= could name. Returns how many
 * there are.
 */
unsigned search_list(struct search *search);

/*
 * Waits until a device, a block device if there is a class, has appeared, changed or gone. Returns
 * 0, or -ETIMEDOUT when the time is up that the request gives, counted from the first call.
 */
int search_wait(struct search *search);
