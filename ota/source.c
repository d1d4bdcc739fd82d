/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"

/* A file up to this size is kept in memory while it is read, in bytes. */
enum { MEMORY_MAX = 4 << 20 };

/* Where an ext4's superblock and the magic number of an MBR are, in bytes. */
enum { EXT4_MAGIC = 1024 + 0x38, MBR_MAGIC = 510, HEAD = 2048 };

gboolean source_check_path(const char *path, GError **error)
{
	g_auto(GStrv) parts = NULL;

	if (!g_utf8_validate(path, -1, NULL))
		return fault(
			error, "%s: a name that is not UTF-8, which libostree cannot store", path);
	if (!*path)
		return TRUE;
	parts = g_strsplit(path, "/", -1);
	for (size_t i = 0; parts[i]; i++)
		if (!*parts[i] || !strcmp(parts[i], ".") || !strcmp(parts[i], ".."))
			return fault(error,
				"%s: a path with \"%s\" in it, which could lead out of the tree",
				path, *parts[i] ? parts[i] : "//");
	return TRUE;
}

char *source_trim(const char *path)
{
	size_t length;

	for (;;) {
		if (*path == '/')
			path++;
		else if (!strncmp(path, "./", 2))
			path += 2;
		else
			break;
	}
	length = strlen(path);
	while (length && path[length - 1] == '/')
		length--;
	return length == 1 && *path == '.' ? g_strdup("") : g_strndup(path, length);
}

static gint by_name(gconstpointer left, gconstpointer right, gpointer unused)
{
	(void)unused;
	return strcmp(left, right);
}

GTree *source_xattrs_new(void)
{
	return g_tree_new_full(by_name, NULL, g_free, (GDestroyNotify)g_bytes_unref);
}

void source_xattrs_add(GTree *xattrs, const char *name, const void *value, gsize size)
{
	g_tree_replace(xattrs, g_strdup(name), g_bytes_new(value, size));
}

static gboolean add_to_variant(gpointer name, gpointer value, gpointer builder)
{
	GVariant *bytes = g_variant_new_from_bytes(G_VARIANT_TYPE("ay"), value, TRUE);

	g_variant_builder_add(builder, "(@ay@ay)", g_variant_new_bytestring(name), bytes);
	return FALSE;
}

GVariant *source_xattrs_end(GTree *xattrs)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
	g_tree_foreach(xattrs, add_to_variant, &builder);
	g_tree_unref(xattrs);
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

int source_scratch(guint64 size, GError **error)
{
	const char *folder = g_get_tmp_dir();
	int fd = size <= MEMORY_MAX ? memfd_create("content", MFD_CLOEXEC)
				    : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fault_errno(error, "%s: cannot make a temporary file", folder);
	return fd;
}

/* A disk image, unless it is something that tar would read. */
static gboolean is_image(const char *path)
{
	unsigned char head[HEAD] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);

	if (fd >= 0)
		close(fd);
	return n == sizeof head &&
	       ((head[EXT4_MAGIC] == 0x53 && head[EXT4_MAGIC + 1] == 0xef) ||
		       (head[MBR_MAGIC] == 0x55 && head[MBR_MAGIC + 1] == 0xaa));
}

gboolean source_read(const char *path, const struct source_sink *sink, GError **error)
{
	struct stat st;

	if (!strcmp(path, "-"))
		return source_read_tar(path, sink, error);
	if (stat(path, &st) < 0)
		return fault_errno(error, "%s", path);
	if (S_ISDIR(st.st_mode))
		return source_read_directory(path, sink, error);
	if (S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && is_image(path)))
		return source_read_image(path, sink, error);
	if (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode))
		return source_read_tar(path, sink, error);
	return fault(error, "%s: this is no directory, tar or disk image", path);
}
