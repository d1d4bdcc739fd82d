/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mountinfo: whether the mount is read-only, or the file system in it.
 *
 * statvfs(2) does not tell them apart. proc(5) does: in mountinfo the sixth field of a mount's line
 * has the options of the mount, and the last one those of the file system; fdinfo tells to which
 * mount a descriptor belongs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Finds the number after "mnt_id:" in the text of a fdinfo file; 0 if there is none. */
unsigned mountinfo_id(const char *fdinfo, size_t len);

/* Reads the line of the mount. Returns 0, or -ENOENT if the text has no whole line for it. */
int mountinfo_read(
	const char *text, size_t len, unsigned id, bool *ret_mount_ro, bool *ret_super_ro);
