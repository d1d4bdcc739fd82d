/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Linux 5.14; headers have it only since 6.3. */
#define CHECKPOINT _IOW('f', 43, uint32_t)

/*
 * What brings a change to where a loader finds it. Up to there blocks reach the disk in any order,
 * so between two such points only that is changed which is right in every order and in every part.
 */
enum way {
	WAY_FILES,	/* fsync of the directory, then of the file */
	WAY_CHECKPOINT, /* the journal's content is written to its place */
	WAY_SYNC,	/* everything in the file system is written */
};

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

/* What is not live is read only after libostree has flushed the whole file system. */
static enum way choose_way(int dir_fd, bool live)
{
	struct statfs fs = { 0 };

	if (!live)
		return WAY_FILES;
	(void)fstatfs(dir_fd, &fs);
	switch (fs.f_type) {
	case MSDOS_SUPER_MAGIC:
		return WAY_FILES;
	case EXT4_SUPER_MAGIC: /* and ext2 and ext3 */
		return WAY_CHECKPOINT;
	default:
		return WAY_SYNC;
	}
}

/* Whether a call failed because this kernel, this file system or this user does not have it. */
static bool is_lacking(int error)
{
	return error == ENOSYS || error == EINVAL || error == ENOTTY || error == EOPNOTSUPP ||
	       error == ENODEV || error == EPERM || error == EACCES;
}

static int sync_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return r;
}

static int settle(int dir_fd, const char *name, enum way way)
{
	uint32_t flags = 0;

	if (way == WAY_CHECKPOINT) {
		if (ioctl(dir_fd, CHECKPOINT, &flags) == 0)
			return 0;
		if (!is_lacking(errno))
			return -errno;
	}
	/* Without a journal ext4 flushes the device before it writes the last blocks, and for a
	 * directory that is clean by then not at all: these blocks the second call flushes. */
	for (int turn = 0; way != WAY_FILES && turn < 2; turn++)
		if (syncfs(dir_fd) < 0 && !is_lacking(errno))
			return -errno;
	if (fsync(dir_fd) < 0)
		return -errno;
	/* On vfat the first cluster of a renamed file is written with the file. Before the
	 * directory it must not be: two names would have the same clusters. */
	return way == WAY_FILES ? sync_file(dir_fd, name) : 0;
}

static int write_temporary(int dir_fd, const char *bytes, size_t size)
{
	int fd = openat(
		dir_fd, EMIT_TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int r;

	if (fd < 0)
		return -errno;
	r = emit_bytes(fd, bytes, size);
	if (!r && fsync(fd) < 0)
		r = -errno;
	if (close(fd) < 0 && !r)
		r = -errno;
	return r;
}

/* Of an exchange each half is right by itself, because both files live on. Otherwise that the old
 * one does is up to whoever holds it open. */
static int swap(int dir_fd, const char *name, enum way way, bool *ret_exchanged)
{
	if (way != WAY_FILES) {
		*ret_exchanged = syscall(SYS_renameat2, dir_fd, EMIT_TEMPORARY, dir_fd, name,
					 RENAME_EXCHANGE) == 0;
		if (*ret_exchanged)
			return 0;
		if (errno != ENOENT && !is_lacking(errno))
			return -errno;
	}
	return renameat(dir_fd, EMIT_TEMPORARY, dir_fd, name) < 0 ? -errno : 0;
}

static int replace(int dir_fd, const char *name, const char *bytes, size_t size, enum way way)
{
	bool exchanged = false;
	int r = write_temporary(dir_fd, bytes, size);

	if (!r && way != WAY_FILES)
		r = settle(dir_fd, EMIT_TEMPORARY, way);
	if (!r)
		r = swap(dir_fd, name, way, &exchanged);
	if (r < 0) {
		/* The first failure is the one to tell; this is tidying up. */
		(void)unlinkat(dir_fd, EMIT_TEMPORARY, 0);
		return r;
	}
	r = settle(dir_fd, name, way);
	/* Not before: on the disk it may be what the name still stands for. */
	if (!r && exchanged)
		(void)unlinkat(dir_fd, EMIT_TEMPORARY, 0);
	return r;
}

/* What a killed call has left would be in the way, and is the old file if the exchange was done. */
static int remove_leftover(int dir_fd, enum way way)
{
	struct stat st;
	int r = 0;

	if (fstatat(dir_fd, EMIT_TEMPORARY, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (way != WAY_FILES)
		r = settle(dir_fd, EMIT_TEMPORARY, way);
	if (!r && unlinkat(dir_fd, EMIT_TEMPORARY, 0) < 0)
		r = -errno;
	return r;
}

static bool has_bytes(int dir_fd, const char *name, const char *bytes, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char found[4096];
	ssize_t n = -1;

	if (fd < 0)
		return false;
	while ((n = read(fd, found, sizeof(found))) > 0 && (size_t)n <= size &&
		!memcmp(found, bytes, (size_t)n)) {
		bytes += n;
		size -= (size_t)n;
	}
	close(fd);
	return n == 0 && size == 0;
}

static int update(int dir_fd, const char *name, const char *bytes, size_t size, enum way way)
{
	int r = remove_leftover(dir_fd, way);

	if (r < 0)
		return r;
	if (!has_bytes(dir_fd, name, bytes, size))
		return replace(dir_fd, name, bytes, size, way);
	/* A call that was killed may have put it there, and only in memory. */
	r = sync_file(dir_fd, name);
	return r < 0 ? r : settle(dir_fd, name, way);
}

static int emit_locked(int dir_fd, const char *name, const char *bytes, size_t size, enum way way)
{
	/* Held to the end, so that nothing of the old file is freed before the new one is there. */
	int old_fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), r = 0;
	struct stat st;

	if (old_fd < 0 && errno != ENOENT)
		return -errno;
	if (old_fd >= 0 && fstat(old_fd, &st) < 0)
		r = -errno;
	else if (old_fd >= 0 && !S_ISREG(st.st_mode))
		r = -EEXIST;
	if (!r)
		r = update(dir_fd, name, bytes, size, way);
	if (old_fd >= 0)
		close(old_fd);
	return r;
}

int emit_file(int dir_fd, const char *name, const char *bytes, size_t size, bool live)
{
	int fd, r;

	if (!strcmp(name, EMIT_TEMPORARY))
		return -EINVAL;
	/* Its own descriptor: the lock then ends with this call, however the call ends. */
	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* A file system without locks (NFS, for directories) is no reason to write nothing. */
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
	r = emit_locked(fd, name, bytes, size, choose_way(fd, live));
	close(fd);
	return r;
}
