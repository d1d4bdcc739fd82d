/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mountinfo: is it the mount that is read-only, or the file system below it?
 *
 * statvfs(2) answers for both at once. proc(5) has them apart: in mountinfo the sixth field of a
 * mount's line is about the mount and the last one about the file system, and fdinfo says to which
 * mount a descriptor belongs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Finds the number behind "mnt_id:" in the text of a fdinfo file; 0 if there is none. */
unsigned mountinfo_id(const char *fdinfo, size_t len);

/* Finds the line of the mount. Returns 0, or -ENOENT if no whole line of the text is about it. */
int mountinfo_read(
	const char *text, size_t len, unsigned id, bool *ret_mount_ro, bool *ret_super_ro);
