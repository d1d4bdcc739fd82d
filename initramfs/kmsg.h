/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kmsg: what the kernel itself says while something is tried.
 *
 * mount(2) fails with one number for many reasons, and the driver names its own in the kernel's
 * log, which a quiet console does not show. Without /dev/kmsg nothing is heard, and nothing fails.
 */
#pragma once

#include <stddef.h>

/* Opens the kernel's log behind its last record. Returns a descriptor, or -1. */
int kmsg_listen(void);

/*
 * Copies the first warning or error of the kernel's since then, cut to size: what comes later tells
 * what followed from it. "" if there is none, or fd is -1.
 */
void kmsg_hear(int fd, char *ret_text, size_t size);
