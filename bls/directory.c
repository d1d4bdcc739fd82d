/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "prepare-root/path.h"

int directory_each(
	int dir_fd, int (*take)(void *context, int dir_fd, const char *name), void *context)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err) {
		const struct dirent *file;

		errno = 0;
		file = readdir(dir);
		if (!file) {
			err = -errno;
			break;
		}
		err = take(context, fd, file->d_name);
	}
	closedir(dir);
	return err;
}

int directory_each_in(int root_fd, const char *path,
	int (*take)(void *context, int dir_fd, const char *name), void *context)
{
	char resolved[PATH_MAX];
	int err = path_resolve(root_fd, path, PATH_IN_ROOT, resolved);
	int fd = err < 0 ? err : path_open(root_fd, resolved, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fd;
	err = directory_each(fd, take, context);
	close(fd);
	return err;
}
