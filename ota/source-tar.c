/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/source.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"
#include "ota/interrupt.h"

/* Bytes that are read at once. */
enum { BLOCK = 1 << 18 };

static gboolean broken(const char *file, struct archive *archive, GError **error)
{
	const char *what = archive_error_string(archive);

	return fault(
		error, "%s: cannot be read as a tar: %s", file, what ? what : "unknown format");
}

/* The kernel's form of an ACL (include/uapi/linux/posix_acl_xattr.h): a version, then entries. */
enum { ACL_VERSION = 2, ACL_UNDEFINED = -1, ACL_MASK = 0x10 };

/* The kernel's tags, in the order in which it wants the entries. */
static const struct {
	int tag, kernel;
} acl_tags[] = { { ARCHIVE_ENTRY_ACL_USER_OBJ, 0x01 }, { ARCHIVE_ENTRY_ACL_USER, 0x02 },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, 0x04 }, { ARCHIVE_ENTRY_ACL_GROUP, 0x08 },
	{ ARCHIVE_ENTRY_ACL_MASK, ACL_MASK }, { ARCHIVE_ENTRY_ACL_OTHER, 0x20 } };

struct acl_item {
	guint16 tag, permissions;
	guint32 id;
};

static gint by_tag_and_id(gconstpointer left, gconstpointer right)
{
	const struct acl_item *a = left, *b = right;

	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static void put_le(GByteArray *bytes, guint32 value, guint size)
{
	for (guint i = 0; i < size; i++) {
		const guint8 byte = (guint8)(value >> 8 * i);

		g_byte_array_append(bytes, &byte, 1);
	}
}

/* Collects the entries of an ACL; its mask, if there is one, becomes the group's part of the mode,
 * as the kernel shows it. */
static gboolean read_acl(
	struct archive_entry *entry, int type, GArray *items, mode_t *mode, GError **error)
{
	int kind, permissions, tag, id;
	const char *name;

	archive_entry_acl_reset(entry, type);
	while (archive_entry_acl_next(entry, type, &kind, &permissions, &tag, &id, &name) ==
		ARCHIVE_OK) {
		struct acl_item item = { .permissions = (guint16)(permissions & 7),
			.id = (guint32)ACL_UNDEFINED };

		for (gsize i = 0; i < G_N_ELEMENTS(acl_tags); i++)
			if (acl_tags[i].tag == tag)
				item.tag = (guint16)acl_tags[i].kernel;
		if (tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP) {
			if (id < 0)
				return fault(error,
					"%s: its ACL has the name %s instead of a number; make the tar with --numeric-owner",
					archive_entry_pathname(entry), name ? name : "");
			item.id = (guint32)id;
		}
		if (item.tag == ACL_MASK && type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
			*mode = (*mode & ~(mode_t)070) | (mode_t)(permissions & 7) << 3;
		g_array_append_val(items, item);
	}
	return TRUE;
}

/* Adds the ACL of a type, if there is one, as the extended attribute that the kernel has for it. */
static gboolean add_acl(struct archive_entry *entry, int type, const char *name, GTree *xattrs,
	mode_t *mode, GError **error)
{
	g_autoptr(GArray) items = g_array_new(FALSE, FALSE, sizeof(struct acl_item));
	g_autoptr(GByteArray) bytes = g_byte_array_new();

	if (!archive_entry_acl_count(entry, type))
		return TRUE;
	if (!read_acl(entry, type, items, mode, error))
		return FALSE;
	g_array_sort(items, by_tag_and_id);
	put_le(bytes, ACL_VERSION, 4);
	for (guint i = 0; i < items->len; i++) {
		const struct acl_item *item = &g_array_index(items, struct acl_item, i);

		put_le(bytes, item->tag, 2);
		put_le(bytes, item->permissions, 2);
		put_le(bytes, item->id, 4);
	}
	source_xattrs_add(xattrs, name, bytes->data, bytes->len);
	return TRUE;
}

static GVariant *xattrs_of(struct archive_entry *entry, mode_t *mode, GError **error)
{
	GTree *xattrs = source_xattrs_new();
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	/* bsdtar writes each of them twice. */
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
		source_xattrs_add(xattrs, name, value, size);
	if (!add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", xattrs, mode,
		    error) ||
		!add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default", xattrs,
			mode, error)) {
		g_tree_unref(xattrs);
		return NULL;
	}
	return source_xattrs_end(xattrs);
}

/* An open file with the content of the present entry, or -1 with *error. */
static int content_of(const char *file, struct archive *archive, guint64 size, GError **error)
{
	int fd = source_scratch(size, error);

	if (fd < 0)
		return -1;
	if (archive_read_data_into_fd(archive, fd) < ARCHIVE_WARN) {
		broken(file, archive, error);
	} else if (ftruncate(fd, (off_t)size) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
		fault_errno(error, "%s: cannot write a temporary file", file);
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static gboolean take(const char *file, struct archive *archive, struct archive_entry *raw,
	const struct source_sink *sink, GError **error)
{
	const char *name = archive_entry_pathname(raw), *hardlink = archive_entry_hardlink(raw);
	g_autofree char *path = name ? source_trim(name) : NULL;
	g_autofree char *link = hardlink ? source_trim(hardlink) : NULL;
	g_autoptr(GVariant) xattrs = NULL;
	struct source_entry entry = { .path = path,
		.mode = archive_entry_mode(raw),
		.uid = (guint32)archive_entry_uid(raw),
		.gid = (guint32)archive_entry_gid(raw),
		.hardlink = link,
		.target = archive_entry_symlink(raw),
		.mtime = archive_entry_mtime(raw) };
	int content = -1;
	gboolean good;

	if (!path)
		return fault(error,
			"%s: it has a name that is not UTF-8, which libostree cannot store", file);
	if (!source_check_path(path, error) || (link && !source_check_path(link, error)))
		return FALSE;
	if (archive_entry_uid(raw) < 0 || archive_entry_uid(raw) > G_MAXUINT32 ||
		archive_entry_gid(raw) < 0 || archive_entry_gid(raw) > G_MAXUINT32)
		return fault(error, "%s: its owner has a number that no system has", path);
	xattrs = xattrs_of(raw, &entry.mode, error);
	if (!xattrs)
		return FALSE;
	entry.xattrs = xattrs;
	if (S_ISREG(entry.mode) && !link) {
		if (archive_entry_size(raw) < 0)
			return fault(error, "%s: its size is not valid", path);
		entry.size = (guint64)archive_entry_size(raw);
		content = content_of(file, archive, entry.size, error);
		if (content < 0)
			return FALSE;
	}
	good = sink->take(sink->context, &entry, content, error);
	if (content >= 0)
		close(content);
	return good;
}

static gboolean take_all(
	const char *file, struct archive *archive, const struct source_sink *sink, GError **error)
{
	struct archive_entry *entry;
	int result;

	while ((result = archive_read_next_header(archive, &entry)) == ARCHIVE_OK ||
		result == ARCHIVE_WARN)
		if (!take(file, archive, entry, sink, error))
			return FALSE;
	return result == ARCHIVE_EOF || broken(file, archive, error);
}

/* libarchive makes its names of the locale's character set. */
static gboolean in_utf8(
	const char *file, struct archive *archive, const struct source_sink *sink, GError **error)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), old;
	gboolean good;

	if (!utf8)
		return fault(error, "the C library has no locale C.UTF-8, so names cannot be read");
	old = uselocale(utf8);
	good = take_all(file, archive, sink, error);
	uselocale(old);
	freelocale(utf8);
	return good;
}

/* An open file, and what was read of it. */
struct input {
	int fd;
	char block[BLOCK];
};

/* libarchive's own reader would go on waiting after a signal. */
static la_ssize_t read_block(struct archive *archive, void *context, const void **ret_block)
{
	struct input *input = context;
	ssize_t n;

	do
		n = read(input->fd, input->block, sizeof input->block);
	while (n < 0 && errno == EINTR && interrupt_check(NULL));
	if (n < 0)
		archive_set_error(archive, errno, "%s", g_strerror(errno));
	*ret_block = input->block;
	return n;
}

static gboolean read_input(
	const char *path, struct input *input, const struct source_sink *sink, GError **error)
{
	struct archive *archive = archive_read_new();
	gboolean good;

	archive_read_support_filter_all(archive);
	archive_read_support_format_tar(archive);
	archive_read_support_format_gnutar(archive);
	if (archive_read_open(archive, input, NULL, read_block, NULL) < ARCHIVE_WARN)
		good = broken(path, archive, error);
	else
		good = in_utf8(path, archive, sink, error);
	archive_read_free(archive);
	return good;
}

gboolean source_read_tar(const char *path, const struct source_sink *sink, GError **error)
{
	const gboolean standard = !strcmp(path, "-");
	g_autofree struct input *input = g_new(struct input, 1);
	gboolean good;

	input->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (input->fd < 0)
		return fault_errno(error, "%s", path);
	good = read_input(path, input, sink, error);
	if (!standard)
		close(input->fd);
	return good;
}
