/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/objects.h"

#include <gio/gunixinputstream.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"

static GFileInfo *info_of(const struct node *node)
{
	GFileInfo *info = g_file_info_new();

	g_file_info_set_file_type(info, S_ISDIR(node->mode)   ? G_FILE_TYPE_DIRECTORY
					: S_ISLNK(node->mode) ? G_FILE_TYPE_SYMBOLIC_LINK
							      : G_FILE_TYPE_REGULAR);
	g_file_info_set_attribute_uint32(info, "unix::uid", node->uid);
	g_file_info_set_attribute_uint32(info, "unix::gid", node->gid);
	g_file_info_set_attribute_uint32(info, "unix::mode", node->mode);
	if (node->target)
		g_file_info_set_symlink_target(info, node->target);
	if (S_ISREG(node->mode))
		g_file_info_set_size(info, (goffset)node->size);
	return info;
}

/* libostree takes NULL for no attributes. */
static GVariant *xattrs_of(const struct node *node)
{
	return node->xattrs && g_variant_n_children(node->xattrs) ? node->xattrs : NULL;
}

/* An archive repository, which any user can write, takes files only in this form. */
static gboolean store(OstreeRepo *repo, GFileInfo *info, GVariant *xattrs, GInputStream *content,
	guchar **ret_checksum, GError **error)
{
	g_autoptr(GInputStream) stream = NULL;
	guint64 length;

	return ostree_raw_file_to_content_stream(
		       content, info, xattrs, &stream, &length, NULL, error) &&
	       ostree_repo_write_content(repo, NULL, stream, length, ret_checksum, NULL, error);
}

static gboolean add(
	struct objects *objects, struct node *node, GInputStream *content, GError **error)
{
	g_autoptr(GFileInfo) info = info_of(node);
	g_autofree guchar *checksum = NULL;
	GVariant *xattrs = xattrs_of(node);
	gboolean good = objects->repo
				? store(objects->repo, info, xattrs, content, &checksum, error)
				: ostree_checksum_file_from_input(info, xattrs, content,
					  OSTREE_OBJECT_TYPE_FILE, &checksum, NULL, error);

	if (!good) {
		g_prefix_error(error, "%s: ", node->origin ? node->origin : node->name);
		return FALSE;
	}
	g_free(node->checksum);
	node->checksum = ostree_checksum_from_bytes(checksum);
	return TRUE;
}

gboolean objects_add_file(struct objects *objects, struct node *node, int content, GError **error)
{
	g_autoptr(GInputStream) stream = g_unix_input_stream_new(content, FALSE);

	if (lseek(content, 0, SEEK_SET) < 0)
		return fault_errno(error, "%s", node->name);
	return add(objects, node, stream, error);
}

gboolean objects_add_bytes(
	struct objects *objects, struct node *node, const void *bytes, gsize size, GError **error)
{
	g_autoptr(GInputStream) stream =
		g_memory_input_stream_new_from_data(g_memdup2(bytes, size), (gssize)size, g_free);

	node->size = size;
	return add(objects, node, stream, error);
}

gboolean objects_add_link(struct objects *objects, struct node *node, GError **error)
{
	return add(objects, node, NULL, error);
}

/* The checksum of a directory's owner, mode and extended attributes. */
static char *add_directory(OstreeRepo *repo, const struct node *node, GError **error)
{
	g_autoptr(GFileInfo) info = info_of(node);
	g_autoptr(GVariant) metadata = ostree_create_directory_metadata(info, xattrs_of(node));
	g_autofree guchar *checksum = NULL;

	if (!ostree_repo_write_metadata(
		    repo, OSTREE_OBJECT_TYPE_DIR_META, NULL, metadata, &checksum, NULL, error))
		return NULL;
	return ostree_checksum_from_bytes(checksum);
}

static gboolean fill(
	OstreeRepo *repo, OstreeMutableTree *mutable, const struct node *directory, GError **error)
{
	g_autoptr(GPtrArray) children = tree_children(directory);
	g_autofree char *checksum = add_directory(repo, directory, error);

	if (!checksum)
		return FALSE;
	ostree_mutable_tree_set_metadata_checksum(mutable, checksum);
	for (guint i = 0; i < children->len; i++) {
		const struct node *node = g_ptr_array_index(children, i);
		g_autoptr(OstreeMutableTree) below = NULL;

		if (!tree_is_directory(node)) {
			if (!ostree_mutable_tree_replace_file(
				    mutable, node->name, node->checksum, error))
				return FALSE;
		} else if (!ostree_mutable_tree_ensure_dir(mutable, node->name, &below, error) ||
			   !fill(repo, below, node, error)) {
			return FALSE;
		}
	}
	return TRUE;
}

OstreeMutableTree *objects_add_tree(
	struct objects *objects, const struct node *root, GError **error)
{
	g_autoptr(OstreeMutableTree) mutable = ostree_mutable_tree_new();

	if (!fill(objects->repo, mutable, root, error))
		return NULL;
	return g_steal_pointer(&mutable);
}
