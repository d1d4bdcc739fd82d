/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int emit_bytes(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

static int check_target(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISREG(st.st_mode) ? 0 : -EEXIST;
}

static int write_temporary(int dir_fd, const char *bytes, size_t size)
{
	int fd, r;

	/* What a killed call has left would be in the way. */
	if (unlinkat(dir_fd, EMIT_TEMPORARY, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(
		dir_fd, EMIT_TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = emit_bytes(fd, bytes, size);
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	return r;
}

static int replace(int dir_fd, const char *name, const char *bytes, size_t size)
{
	int r = check_target(dir_fd, name);

	if (r < 0)
		return r;
	r = write_temporary(dir_fd, bytes, size);
	if (!r && renameat(dir_fd, EMIT_TEMPORARY, dir_fd, name) < 0)
		r = -errno;
	if (r < 0) {
		/* The first failure is the one to tell; this is tidying up. */
		(void)unlinkat(dir_fd, EMIT_TEMPORARY, 0);
		return r;
	}
	/* Without this the rename itself may be lost with the power. */
	return fsync(dir_fd) < 0 ? -errno : 0;
}

int emit_file(int dir_fd, const char *name, const char *bytes, size_t size)
{
	/* Its own descriptor: the lock then ends with this call, however the call ends. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	/* A file system without locks (NFS, for directories) is no reason to write nothing. */
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	r = replace(fd, name, bytes, size);
	close(fd);
	return r;
}
