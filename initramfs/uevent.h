/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uevent: the kernel's messages about devices, by netlink.
 *
 * Opened before the first look at what is there, so that no device can appear in between unseen.
 * Only the kernel itself is listened to (group 1), not an udev.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Returns a descriptor, or a negative errno where the kernel has no network. */
int uevent_open(void);

/*
 * Waits at most timeout milliseconds for a message. Returns its size, 0 if none came, or a negative
 * errno: -ENOBUFS when messages were lost.
 */
ssize_t uevent_wait(int fd, int timeout, char *ret_message, size_t size);
