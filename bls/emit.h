/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * emit: the one place that writes an output.
 *
 * Whoever opens the name sees the old file or the new one, whole, whatever fails and whenever the
 * process is killed; when emit_file returns 0 the new one is on the disk. A call that was killed
 * leaves at most one file behind, EMIT_TEMPORARY, and the next call removes it.
 */
#pragma once

#include <stddef.h>

#define EMIT_TEMPORARY ".rootstock.new"

/*
 * Replaces or makes the file called name in the directory dir_fd, with mode 0644 less the umask.
 * Returns 0 or a negative errno; then the old file is there unless it was the last step, the
 * directory's fsync, that failed. -EEXIST: the name belongs to something that is not a regular file
 * (a device, a symlink), which is not replaced. Calls on one directory wait for each other where
 * its file system has locks.
 */
int emit_file(int dir_fd, const char *name, const char *bytes, size_t size);

/* Writes everything to an open descriptor. Returns 0 or a negative errno. */
int emit_bytes(int fd, const char *bytes, size_t size);
