/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ota/fault.h"

/* What is the same for the whole directory. */
struct walk {
	const char *top; /* for messages */
	const struct source_sink *sink;
	GHashTable *seen; /* "DEVICE:INODE" of files with several names to the first path */
};

static gboolean visit(
	struct walk *walk, int parent_fd, const char *name, const char *path, GError **error);

static gint by_name(gconstpointer left, gconstpointer right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* The names in a directory, sorted. */
static GPtrArray *names_in(const char *link, const char *path, GError **error)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) why = NULL;
	g_autoptr(GDir) dir = g_dir_open(link, 0, &why);
	const char *name;

	if (!dir) {
		fault(error, "%s: cannot be read: %s", path, why->message);
		return NULL;
	}
	while ((name = g_dir_read_name(dir)))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, by_name);
	return g_steal_pointer(&names);
}

/* link is the file's name in /proc/self/fd, which a descriptor by O_PATH needs. */
static GVariant *xattrs_of(const char *link, const char *path, GError **error)
{
	GTree *xattrs = source_xattrs_new();
	char names[XATTR_LIST_MAX];
	g_autofree char *value = g_malloc(XATTR_SIZE_MAX);
	ssize_t n = listxattr(link, names, sizeof names);

	if (n < 0 && errno != ENOTSUP) {
		fault_errno(error, "%s: its extended attributes cannot be read", path);
		g_tree_unref(xattrs);
		return NULL;
	}
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		ssize_t size = getxattr(link, name, value, XATTR_SIZE_MAX);

		if (size < 0) {
			fault_errno(
				error, "%s: the extended attribute %s cannot be read", path, name);
			g_tree_unref(xattrs);
			return NULL;
		}
		source_xattrs_add(xattrs, name, value, (gsize)size);
	}
	return source_xattrs_end(xattrs);
}

static gboolean visit_children(
	struct walk *walk, int fd, const char *link, const char *path, GError **error)
{
	g_autoptr(GPtrArray) names = names_in(link, path, error);

	if (!names)
		return FALSE;
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *below =
			*path ? g_build_filename(path, name, NULL) : g_strdup(name);

		if (!visit(walk, fd, name, below, error))
			return FALSE;
	}
	return TRUE;
}

/* The path by which this file came before, or NULL; remembers the file. */
static const char *seen(struct walk *walk, const struct stat *st, const char *path)
{
	g_autofree char *key = NULL;
	const char *first;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	key = g_strdup_printf("%ju:%ju", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
	first = g_hash_table_lookup(walk->seen, key);
	if (!first)
		g_hash_table_insert(walk->seen, g_steal_pointer(&key), g_strdup(path));
	return first;
}

/* The length of a symlink's target, with room for its NUL; 0 with *error. */
static gboolean read_target(int fd, const char *path, char target[PATH_MAX], GError **error)
{
	ssize_t n = readlinkat(fd, "", target, PATH_MAX);

	if (n < 0 || n >= PATH_MAX)
		return n < 0 ? fault_errno(error, "%s: cannot be read", path)
			     : fault(error, "%s: the target is too long", path);
	target[n] = '\0';
	return TRUE;
}

/* fd is the file, by O_PATH. */
static gboolean take(
	struct walk *walk, int fd, const struct stat *st, const char *path, GError **error)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autoptr(GVariant) xattrs = NULL;
	struct source_entry entry = { .path = path,
		.mode = st->st_mode,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.size = S_ISREG(st->st_mode) ? (guint64)st->st_size : 0,
		.mtime = st->st_mtime,
		.hardlink = seen(walk, st, path) };
	char target[PATH_MAX];
	int content = -1;
	gboolean good;

	if (!source_check_path(path, error))
		return FALSE;
	/* A symlink's attributes cannot be read through /proc; hardly any file system has them. */
	if (S_ISLNK(st->st_mode)) {
		if (!read_target(fd, path, target, error))
			return FALSE;
		entry.target = target;
		xattrs = source_xattrs_end(source_xattrs_new());
	} else {
		xattrs = xattrs_of(link, path, error);
	}
	if (!xattrs)
		return FALSE;
	entry.xattrs = xattrs;
	if (S_ISREG(st->st_mode) && !entry.hardlink) {
		content = open(link, O_RDONLY | O_CLOEXEC);
		if (content < 0)
			return fault_errno(error, "%s: cannot be read", path);
	}
	good = walk->sink->take(walk->sink->context, &entry, content, error);
	if (content >= 0)
		close(content);
	return good && (!S_ISDIR(st->st_mode) || visit_children(walk, fd, link, path, error));
}

static gboolean visit(
	struct walk *walk, int parent_fd, const char *name, const char *path, GError **error)
{
	struct stat st;
	gboolean good;
	int fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0) {
		good = fault_errno(error, "%s/%s", walk->top, path);
	} else {
		good = take(walk, fd, &st, path, error);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

gboolean source_read_directory(const char *path, const struct source_sink *sink, GError **error)
{
	struct walk walk = { path, sink,
		g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free) };
	struct stat st;
	/* Links in the path to the directory are the caller's. */
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	gboolean good = fd >= 0 && fstat(fd, &st) == 0;

	good = good ? take(&walk, fd, &st, "", error) : fault_errno(error, "%s", path);
	if (fd >= 0)
		close(fd);
	g_hash_table_unref(walk.seen);
	return good;
}
