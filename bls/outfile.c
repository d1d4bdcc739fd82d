/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "bls/directory.h"

/* Since Linux 5.14; in headers only since 6.3. */
#define CHECKPOINT _IOW('f', 43, uint32_t)

/* How long a call waits for another one. On a slow card that may take seconds. */
enum { LOCK_SECONDS = 5, LOCK_TURNS_A_SECOND = 20 };

/* How a change gets to where a boot loader sees it. Until then blocks reach the disk in any order,
 * so between two such points only changes are made that are safe in any order and in part. */
enum way {
	WAY_FILES,	/* fsync of the directory, then of the file */
	WAY_CHECKPOINT, /* the journal is written to its place */
	WAY_SYNC,	/* the whole file system is written */
};

/* One call of outfile_replace. */
struct job {
	int dir_fd;
	const char *name;
	const char *bytes;
	size_t size;
	enum way way;
	const struct stat *like; /* gives a new file owner and mode, or NULL */
	bool alone;		 /* no other call works in the directory */
	const char *temporary;	 /* the new file's first name */
};

int outfile_write(int fd, const char *bytes, size_t size)
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

/* A file that is not live is read only after libostree flushed the file system. */
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

/* True if the kernel, the file system or the user's rights do not allow a call at all. */
static bool is_lacking(int error)
{
	return error == ENOSYS || error == EINVAL || error == ENOTTY || error == EOPNOTSUPP ||
	       error == ENODEV || error == EPERM || error == EACCES;
}

/* It is no error if a file system cannot flush, but it is one if the disk fails. */
static int flushed(int result)
{
	return result < 0 && !is_lacking(errno) ? -errno : 0;
}

static int sync_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = flushed(fsync(fd));
	close(fd);
	return err;
}

static int settle(int dir_fd, const char *name, enum way way)
{
	uint32_t flags = 0;
	int err = 0;

	if (way == WAY_CHECKPOINT) {
		err = ioctl(dir_fd, CHECKPOINT, &flags);
		if (err == 0)
			return 0;
		err = flushed(err);
	}
	/* Without a journal, ext4 flushes the device before it writes the last blocks, and does not
	 * flush it at all for a directory that is clean by then. The second call flushes these
	 * blocks. */
	for (int turn = 0; way != WAY_FILES && turn < 2 && !err; turn++)
		err = flushed(syncfs(dir_fd));
	if (!err)
		err = flushed(fsync(dir_fd));
	/* On vfat the first cluster of a renamed file is written with the file. It must not be
	 * written before the directory: two names would have the same clusters. */
	return !err && way == WAY_FILES ? sync_file(dir_fd, name) : err;
}

/* Copies owner and mode of the old file, as far as file system and user's rights allow. */
static int make_alike(int fd, const struct stat *old)
{
	struct stat new;

	if (fstat(fd, &new) < 0)
		return -errno;
	if ((new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
		fchown(fd, old->st_uid, old->st_gid) < 0 && !is_lacking(errno))
		return -errno;
	/* Last, because a change of the owner clears mode bits. */
	if (new.st_mode != old->st_mode && fchmod(fd, old->st_mode & 07777) < 0 &&
		!is_lacking(errno))
		return -errno;
	return 0;
}

/* old gives owner and mode, or is NULL. */
static int write_temporary(const struct job *job, const struct stat *old)
{
	int fd = openat(job->dir_fd, job->temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, old ? 0600 : 0644);
	int err;

	if (fd < 0)
		return -errno;
	err = outfile_write(fd, job->bytes, job->size);
	if (!err && old)
		err = make_alike(fd, old);
	if (!err)
		err = flushed(fsync(fd));
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

/* An exchange is safe even if only half of it reaches the disk: both files exist before and after.
 * With rename, the old file's blocks stay only as long as it is held open. */
static int swap(const struct job *job, bool *ret_exchanged)
{
	if (job->way != WAY_FILES) {
		*ret_exchanged = syscall(SYS_renameat2, job->dir_fd, job->temporary, job->dir_fd,
					 job->name, RENAME_EXCHANGE) == 0;
		if (*ret_exchanged)
			return 0;
		if (errno != ENOENT && !is_lacking(errno))
			return -errno;
	}
	return renameat(job->dir_fd, job->temporary, job->dir_fd, job->name) < 0 ? -errno : 0;
}

static int replace(const struct job *job, const struct stat *old)
{
	bool exchanged = false;
	int err = write_temporary(job, old);

	if (!err && job->way != WAY_FILES)
		err = settle(job->dir_fd, job->temporary, job->way);
	if (!err)
		err = swap(job, &exchanged);
	if (err < 0) {
		/* The first failure is the one to report. */
		(void)unlinkat(job->dir_fd, job->temporary, 0);
		return err;
	}
	err = settle(job->dir_fd, job->name, job->way);
	/* Not earlier: on the disk the name may still refer to it. */
	if (!err && exchanged)
		(void)unlinkat(job->dir_fd, job->temporary, 0);
	return err;
}

/* A leftover of a killed call blocks the name. If the exchange was done, it is the old file. */
static int remove_leftover(void *context, int dir_fd, const char *name)
{
	const struct job *job = context;
	const size_t length = strlen(OUTFILE_TEMPORARY);
	int err = 0;

	if (strncmp(name, OUTFILE_TEMPORARY, length) != 0 || (name[length] && name[length] != '.'))
		return 0;
	if (job->way != WAY_FILES)
		err = settle(job->dir_fd, name, job->way);
	if (!err && unlinkat(dir_fd, name, 0) < 0)
		err = -errno;
	return err;
}

static bool has_bytes(int dir_fd, const char *name, const char *bytes, size_t size)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char found[4096];
	ssize_t n = -1;

	if (fd < 0)
		return false;
	while ((n = read(fd, found, sizeof found)) > 0 && (size_t)n <= size &&
		!memcmp(found, bytes, (size_t)n)) {
		bytes += n;
		size -= (size_t)n;
	}
	close(fd);
	return n == 0 && size == 0;
}

static int update(struct job *job, const struct stat *old)
{
	int err = job->alone ? directory_each(job->dir_fd, remove_leftover, job) : 0;

	if (err < 0)
		return err;
	if (!has_bytes(job->dir_fd, job->name, job->bytes, job->size))
		return replace(job, old);
	/* A killed call may have written it, but not flushed it. */
	err = sync_file(job->dir_fd, job->name);
	return err < 0 ? err : settle(job->dir_fd, job->name, job->way);
}

static int replace_once(struct job *job)
{
	/* Stays open to the end, so that the old file's blocks are not freed before the new file is
	 * there. */
	int old_fd = openat(job->dir_fd, job->name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat st;

	if (old_fd < 0 && errno != ENOENT)
		return -errno;
	if (old_fd >= 0 && fstat(old_fd, &st) < 0)
		err = -errno;
	else if (old_fd >= 0 && !S_ISREG(st.st_mode))
		err = -EEXIST;
	if (!err)
		err = update(job, old_fd < 0 ? job->like : &st);
	if (old_fd >= 0)
		close(old_fd);
	return err;
}

/* Waits until no other call works in the directory. Returns false if that takes too long, because
 * any user who can open a directory can lock it. Without locks (NFS directories) it does not
 * wait. */
static bool lock(int dir_fd)
{
	const struct timespec pause = { .tv_nsec = 1000000000 / LOCK_TURNS_A_SECOND };

	for (int turn = 0; turn < LOCK_SECONDS * LOCK_TURNS_A_SECOND; turn++) {
		if (flock(dir_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return true;
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

int outfile_replace(int dir_fd, const char *name, const char *bytes, size_t size, bool live,
	const struct stat *like)
{
	char own[sizeof OUTFILE_TEMPORARY ".00000000"];
	struct job job = { .name = name, .bytes = bytes, .size = size, .like = like };
	uint32_t number = 0;
	int err;

	if (!strncmp(name, OUTFILE_TEMPORARY, strlen(OUTFILE_TEMPORARY)))
		return -EINVAL;
	/* A descriptor of its own: closing it ends the lock. */
	job.dir_fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job.dir_fd < 0)
		return -errno;
	job.way = choose_way(job.dir_fd, live);
	job.alone = lock(job.dir_fd);
	job.temporary = OUTFILE_TEMPORARY;
	if (!job.alone) {
		/* A unique name; the next call that gets the lock removes a leftover. */
		(void)getrandom(&number, sizeof number, GRND_NONBLOCK);
		(void)snprintf(own, sizeof own, OUTFILE_TEMPORARY ".%08x", number);
		job.temporary = own;
	}
	/* A call with the lock may have removed our file as a leftover. */
	for (int turn = 0; turn < 3; turn++) {
		err = replace_once(&job);
		if (err != -ENOENT || job.alone)
			break;
	}
	close(job.dir_fd);
	return err;
}
