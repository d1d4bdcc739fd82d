/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * outfile: the one place that writes an output.
 *
 * Whoever opens the name sees the old file or the new one, whole, whatever fails and whenever the
 * process is killed; when outfile_replace returns 0 the new one is on the disk, if its file system can be
 * told to flush. A call that failed or was killed leaves at most one file, whose name begins with
 * OUTFILE_TEMPORARY, and the next call removes it.
 *
 * A boot loader reads the disk and not the journal. A live file is one that it may read at this
 * moment, and for it the promise holds for what is on the disk at each moment, on ext2, ext3, ext4,
 * vfat, btrfs and f2fs. It does not hold on XFS, nor on others, where nothing short of a freeze
 * makes the kernel write back what is in a journal, and a freeze might be of the root.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stat;

#define OUTFILE_TEMPORARY ".rootstock.new"

/*
 * Replaces the file called name in the directory dir_fd by one with the same owner and mode, or
 * makes it with those of like, or, where that is NULL, with mode 0644 less the umask; one that has
 * these bytes already stays as it is. What the file system has not (owners, modes, fsync, exchange,
 * locks) is no error. Returns 0 or a negative errno; then the old file is there, or the new one if
 * only the last step failed, which makes it durable. -EEXIST: the name belongs to something that is
 * not a regular file (a device, a symlink), which is not replaced. Calls on one directory wait for
 * each other, but at most five seconds, because any user can hold the lock that they wait for;
 * after that each works by itself, and the promise holds all the same.
 */
int outfile_replace(int dir_fd, const char *name, const char *bytes, size_t size, bool live,
	const struct stat *like);

/* Writes everything to an open descriptor. Returns 0 or a negative errno. */
int outfile_write(int fd, const char *bytes, size_t size);
