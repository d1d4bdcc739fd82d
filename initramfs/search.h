/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * search: looks for the device of root=, and waits for it.
 *
 * Nothing is done until the kernel says that something has changed; only where it cannot (no
 * netlink) is the list looked at again and again. Who waits long is told for what and among what,
 * and who waited in vain gets the list of what is there, so that a typo shows.
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
	int class;		/* of /sys/class/block; negative if what is awaited is not there */
	const char *trouble;	/* then: why the last try to mount it failed; may be NULL */
	bool doubt_reported;
	int uevents; /* from uevent_open, opened before; negative where there is none */
	uint64_t start, next_line; /* CLOCK_MONOTONIC, milliseconds; 0 before the first wait */
};

/*
 * Finds the device. Returns 0; -ETIMEDOUT with the sentence set, and all devices listed in the log;
 * or another negative errno with the sentence set.
 */
int search_device(struct search *search, const struct rootspec *spec, struct device **ret_device,
	struct fault *ret_fault);

/*
 * Lists the block devices that were found, in the words that root= could have, in the log. Returns
 * how many there are.
 */
unsigned search_list(struct search *search);

/*
 * Waits until a device, a block device if there is a class, has appeared, changed or gone. Returns
 * 0, or -ETIMEDOUT when the time is up that the request gives, counted from the first call.
 */
int search_wait(struct search *search);
