/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/deployment.h"

#include <errno.h>
#include <fcntl.h>

#include "bls/kargs.h"
#include "prepare-root/path.h"

int deployment_open(int root_fd, const char *ostree)
{
	char path[PATH_MAX];
	int is_link = path_resolve(root_fd, ostree, PATH_BENEATH, path);

	if (is_link <= 0)
		return is_link < 0 ? is_link : -EINVAL;
	return path_open(root_fd, path, O_RDONLY | O_DIRECTORY);
}

int deployment_find(int root_fd, const char *options)
{
	struct kargs kargs;
	int fd = kargs_split(options, &kargs);
	const char *ostree = fd < 0 ? NULL : kargs_first(&kargs, "ostree");

	if (!fd)
		fd = ostree ? deployment_open(root_fd, ostree) : -ENOENT;
	kargs_free(&kargs);
	return fd;
}
