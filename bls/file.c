/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/file.h"

#include "prepare-root/path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Checks the type first: opening a device can start a watchdog or rewind a tape. */
int file_open(int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ELOOP;
	return path_open(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

ssize_t file_read(int dir_fd, const char *name, char *buffer, size_t size)
{
	int fd = file_open(dir_fd, name);
	struct stat st;
	ssize_t have = 0, n = 1;

	if (fd < 0)
		return fd;
	/* The file may have been replaced in between. */
	if (fstat(fd, &st) < 0)
		n = -errno;
	else if (!S_ISREG(st.st_mode))
		n = -ELOOP;
	while (n > 0 && (size_t)have < size) {
		n = read(fd, buffer + have, size - (size_t)have);
		if (n < 0)
			n = errno == EINTR ? 1 : -errno;
		else
			have += n;
	}
	close(fd);
	return n < 0 ? n : have;
}

int file_add(int dir_fd, const char *name, size_t max, struct text *text)
{
	/* With one byte more, a file that is too large is noticed. */
	char *buffer = malloc(max + 1);
	ssize_t n;

	if (!buffer)
		return -ENOMEM;
	n = file_read(dir_fd, name, buffer, max + 1);
	if (n > (ssize_t)max)
		n = -EFBIG;
	if (n > 0)
		text_add_bytes(text, buffer, (size_t)n);
	free(buffer);
	if (n >= 0 && text->failed)
		n = -ENOMEM;
	return n < 0 ? (int)n : 0;
}

int file_add_in(int root_fd, const char *path, size_t max, struct text *text)
{
	char resolved[PATH_MAX];
	int err = path_resolve(root_fd, path, PATH_IN_ROOT, resolved);

	return err < 0 ? err : file_add(root_fd, resolved, max, text);
}

int file_open_beneath(int dir_fd, const char *path)
{
	char resolved[PATH_MAX];
	int err = path_resolve(dir_fd, path, PATH_BENEATH, resolved);

	return err < 0 ? err : file_open(dir_fd, resolved);
}
