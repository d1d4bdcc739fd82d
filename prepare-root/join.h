/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * join: strings joined in a buffer of fixed size.
 *
 * PID 1 must not meet a failed malloc, so paths, messages and lines of the plan are all built here,
 * in memory whose size is known. A result that does not fit is refused whole, never cut.
 */
#pragma once

#include <stddef.h>

/*
 * Writes the strings, up to a NULL, one after the other into ret_text (size bytes, the final zero
 * byte included). Returns the length without the zero byte, or -ENAMETOOLONG with ret_text empty.
 */
int join(char *ret_text, size_t size, ...) __attribute__((sentinel));

/* Writes number in decimal and returns where it starts in the buffer. */
char *decimal(unsigned number, char buffer[static 12]);
