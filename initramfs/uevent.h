/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uevent: the kernel's messages about devices, by netlink, and their text, which is also in the
 * files uevent of /sys.
 *
 * The socket is opened before the first look at /sys, so that no device can appear in between
 * unseen. Only the kernel's own messages are received (group 1), not those of udev.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Returns a descriptor, or a negative errno where the kernel has no network. */
int uevent_open(void);

/*
 * Waits at most timeout milliseconds for a message. Returns its size, 0 if there was none, or a
 * negative errno: -ENOBUFS if messages were lost.
 */
ssize_t uevent_wait(int fd, int timeout, char *ret_message, size_t size);

/* The values of the keys that matter here; NULL where there is none. They point into the text. */
struct uevent {
	const char *subsystem, *name, *major, *minor, *type, *number, *label, *uuid;
};

/* Splits size bytes of KEY=VALUE, each ended by end, and changes the ends to zero bytes. */
void uevent_parse(char *text, size_t size, char end, struct uevent *ret_uevent);
