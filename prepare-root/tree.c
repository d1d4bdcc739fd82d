/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "prepare-root/path.h"

mode_t tree_type(int dir, const char *path)
{
	struct stat st;

	return fstatat(dir, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_mode & S_IFMT;
}

ssize_t tree_read(int dir, const char *path, char ret_text[TREE_FILE_MAX])
{
	char resolved[PATH_MAX];
	ssize_t used = 0, got = path_resolve(dir, path, PATH_IN_ROOT, resolved);
	mode_t type;
	int fd;

	if (got < 0)
		return got;
	type = tree_type(dir, resolved);
	if (type != S_IFREG)
		return type ? -EINVAL : -ENOENT;
	fd = path_open(dir, resolved, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fd;
	do {
		got = read(fd, ret_text + used, (size_t)(TREE_FILE_MAX - used));
		used += got > 0 ? got : 0;
	} while (got > 0 && used < TREE_FILE_MAX);
	used = got < 0 ? -errno : got ? -EFBIG : used;
	close(fd);
	return used;
}
