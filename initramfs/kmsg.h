/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kmsg: what the kernel logs while something is tried.
 *
 * mount(2) fails with one number for many reasons. The driver logs its own reason, which a quiet
 * console does not show. Without /dev/kmsg there is no text, and nothing fails.
 */
#pragma once

#include <stddef.h>

/* Opens the kernel's log after its last record. Returns a descriptor, or -1. */
int kmsg_open(void);

/*
 * Copies the kernel's first warning or error since then, cut to size; later ones are consequences
 * of it. "" if there is none, or fd is -1.
 */
void kmsg_first_error(int fd, char *ret_text, size_t size);
