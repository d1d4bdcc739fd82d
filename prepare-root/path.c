/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prepare-root/join.h"

enum { LINKS_MAX = 40 }; /* as Linux's MAXSYMLINKS */

/* Drops the last component; false at the top. */
static bool up(char *done)
{
	char *slash = strrchr(done, '/');

	if (!*done)
		return false;
	*(slash ? slash : done) = 0;
	return true;
}

/*
 * Enters one component: appends it to done and returns 0, or, for a link, leaves done as it is and
 * returns the length of the link's target.
 */
static ssize_t enter(
	int root, char done[PATH_MAX], const char *name, size_t len, char target[PATH_MAX])
{
	size_t old = strlen(done);
	ssize_t got;

	if (old + len + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	if (old)
		done[old] = '/';
	memcpy(done + old + (old > 0), name, len);
	done[old + (old > 0) + len] = 0;
	got = readlinkat(root, done, target, PATH_MAX - 1);
	if (got < 0)
		return errno == EINVAL ? 0 : -errno;
	target[got] = 0;
	done[old] = 0;
	return got;
}

/* True if rest, what follows a component, is a "/" and then nothing, ".", ".." or a dot file. */
static bool is_dots(const char *rest)
{
	const char *name = rest + strspn(rest, "/");

	return name > rest && (!*name || *name == '.');
}

static bool is_directory(int root, const char *path)
{
	struct stat st;

	return !fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

int path_resolve(int root, const char *path, enum path_rule rule, char ret_path[PATH_MAX])
{
	char todo[PATH_MAX], target[PATH_MAX], joined[PATH_MAX];
	unsigned links = 0;
	int last_is_link = 0;
	int len = join(todo, sizeof todo, path, NULL);

	ret_path[0] = 0;
	while (len >= 0) {
		char *name = todo + strspn(todo, "/");
		char *rest = name + strcspn(name, "/");
		ssize_t link = 0;

		if (rest == name)
			return last_is_link;
		if (rest - name == 2 && !memcmp(name, "..", 2)) {
			if (!up(ret_path) && rule == PATH_BENEATH)
				return -EXDEV;
		} else if (rest - name != 1 || *name != '.') {
			link = enter(root, ret_path, name, (size_t)(rest - name), target);
			/* If a name follows, the next readlinkat() reports ENOTDIR. */
			if (!link && is_dots(rest) && !is_directory(root, ret_path))
				return -ENOTDIR;
		}
		if (link < 0)
			return (int)link;
		if (link && ++links > LINKS_MAX)
			return -ELOOP;
		if (link && !rest[strspn(rest, "/")])
			last_is_link = 1;
		if (link && *target == '/') {
			if (rule == PATH_BENEATH)
				return -EXDEV;
			*ret_path = 0;
		}
		len = join(joined, sizeof joined, link ? target : "", rest, NULL);
		memcpy(todo, joined, len < 0 ? 0 : (size_t)len + 1);
	}
	return len;
}

int path_open(int root, const char *path, int flags)
{
	const int all = flags | O_NOFOLLOW | O_CLOEXEC;
	struct open_how how = { .flags = (unsigned)all, .resolve = RESOLVE_NO_SYMLINKS };
	int fd;

	/* open(2) adds this by itself; openat2(2) refuses it beside O_PATH. */
	if (!(flags & O_PATH))
		how.flags |= O_LARGEFILE;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
	/* An old kernel, or a container's filter that does not know the call. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		fd = openat(root, path, all);
	return fd < 0 ? -errno : fd;
}
