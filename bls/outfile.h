/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * outfile: the one place that writes an output.
 *
 * A reader of the file sees the old content or the new one, complete, whatever fails and whenever
 * the process is killed. When outfile_replace() returns 0, the new content is on the disk, if the
 * file system can flush. A call that failed or was killed leaves at most one file, whose name
 * begins with OUTFILE_TEMPORARY, and the next call removes it.
 *
 * A boot loader reads the disk without replaying the journal. A live file is one that a loader may
 * read at any moment. For a live file the promise holds for what is on the disk, on ext2, ext3,
 * ext4, vfat, btrfs and f2fs. It does not hold on XFS and others: there only a freeze makes the
 * kernel write the journal's content to its place, and freezing the root could block the system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stat;

#define OUTFILE_TEMPORARY ".rootstock.new"

/*
 * Replaces the file called name in the directory dir_fd by one with the same owner and mode. A new
 * file gets those of like, or mode 0644 less the umask if that is NULL. A file that has these bytes
 * already is not touched. It is no error if the file system lacks owners, modes, fsync, exchange or
 * locks. Returns 0 or a negative errno; the file is then the old one, or the new one if only the
 * last flush failed. -EEXIST: the name is not a regular file's, and nothing is replaced.
 *
 * Calls on one directory wait for each other, but at most five seconds, because any user can hold
 * the lock. After that a call goes on without it, and the promise still holds.
 */
int outfile_replace(int dir_fd, const char *name, const char *bytes, size_t size, bool live,
	const struct stat *like);

/* Writes everything to an open descriptor. Returns 0 or a negative errno. */
int outfile_write(int fd, const char *bytes, size_t size);
