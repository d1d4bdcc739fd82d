/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ota/fault.h"

OstreeRepo *commit_open(const char *path, GError **error)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(OstreeRepo) repo = ostree_repo_new(file);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	const gboolean fresh =
		!g_file_test(path, G_FILE_TEST_EXISTS) || (dir && !g_dir_read_name(dir));

	if (fresh ? !ostree_repo_create(repo, OSTREE_REPO_MODE_ARCHIVE, NULL, error)
		  : !ostree_repo_open(repo, NULL, error)) {
		g_prefix_error(error, "%s: ", path);
		return NULL;
	}
	if (ostree_repo_get_mode(repo) != OSTREE_REPO_MODE_ARCHIVE) {
		fault(error,
			"%s: this repository is not of the mode archive, so it cannot hold the owners of files without root; make another one",
			path);
		return NULL;
	}
	return g_steal_pointer(&repo);
}

/* The number after the parent's version, if that is one; else "1". */
static char *next_version(GVariant *parent)
{
	g_autoptr(GVariant) metadata = parent ? g_variant_get_child_value(parent, 0) : NULL;
	const char *version = NULL;
	guint64 number;

	if (metadata && g_variant_lookup(metadata, "version", "&s", &version) &&
		g_ascii_string_to_unsigned(version, 10, 0, G_MAXUINT32, &number, NULL))
		return g_strdup_printf("%" G_GUINT64_FORMAT, number + 1);
	return g_strdup("1");
}

/* The same sources give the same time; and each commit is newer than its parent, as libostree
 * requires of an update. */
static gboolean time_of(
	const struct commit *commit, GVariant *parent, guint64 *ret_time, GError **error)
{
	const char *epoch = g_getenv("SOURCE_DATE_EPOCH");
	guint64 after = parent ? ostree_commit_get_timestamp(parent) + 1 : 0;

	*ret_time = commit->newest > 0 ? (guint64)commit->newest : 0;
	if (epoch && !g_ascii_string_to_unsigned(epoch, 10, 0, G_MAXINT64, ret_time, NULL))
		return fault(error, "SOURCE_DATE_EPOCH=%s is not a number of seconds", epoch);
	*ret_time = MAX(*ret_time, after);
	return TRUE;
}

static GVariant *metadata_of(const struct commit *commit, const char *version)
{
	GVariantDict dict;

	g_variant_dict_init(&dict, NULL);
	g_variant_dict_insert(&dict, "version", "s", version);
	if (commit->release) {
		g_variant_dict_insert(&dict, "ostree.bootable", "b", TRUE);
		g_variant_dict_insert(&dict, "ostree.linux", "s", commit->release);
	}
	if (commit->metadata)
		g_variant_dict_insert(&dict, "rootstock.metadata", "s", commit->metadata);
	if (commit->kargs)
		g_variant_dict_insert_value(
			&dict, "rootstock.kargs", g_variant_new_strv(commit->kargs, -1));
	return g_variant_ref_sink(g_variant_dict_end(&dict));
}

static gboolean sign(
	OstreeRepo *repo, const struct commit *commit, const char *checksum, GError **error)
{
	for (gsize i = 0; commit->gpg_keys && commit->gpg_keys[i]; i++)
		if (!ostree_repo_sign_commit(
			    repo, checksum, commit->gpg_keys[i], commit->gpg_home, NULL, error))
			return FALSE;
	return TRUE;
}

gboolean commit_renew_summary(
	OstreeRepo *repo, const char *const *gpg_keys, const char *gpg_home, GError **error)
{
	return ostree_repo_regenerate_summary(repo, NULL, NULL, error) &&
	       (!gpg_keys || ostree_repo_add_gpg_signature_summary(
				     repo, (const char **)gpg_keys, gpg_home, NULL, error));
}

char *commit_write(struct objects *objects, const struct node *root, const struct commit *commit,
	char **ret_version, GError **error)
{
	OstreeRepo *repo = objects->repo;
	g_autoptr(OstreeMutableTree) mutable = objects_add_tree(objects, root, error);
	g_autofree char *above = NULL, *checksum = NULL, *version = NULL;
	g_autoptr(GVariant) parent = NULL, metadata = NULL;
	g_autoptr(GFile) file = NULL;
	guint64 time;

	if (!mutable || !ostree_repo_resolve_rev(repo, commit->branch, TRUE, &above, error))
		return NULL;
	if (above &&
		!ostree_repo_load_variant(repo, OSTREE_OBJECT_TYPE_COMMIT, above, &parent, error))
		return NULL;
	version = commit->version ? g_strdup(commit->version) : next_version(parent);
	metadata = metadata_of(commit, version);
	if (!time_of(commit, parent, &time, error) ||
		!ostree_repo_write_mtree(repo, mutable, &file, NULL, error) ||
		!ostree_repo_write_commit_with_time(repo, above, commit->subject, NULL, metadata,
			OSTREE_REPO_FILE(file), time, &checksum, NULL, error) ||
		!sign(repo, commit, checksum, error))
		return NULL;
	ostree_repo_transaction_set_ref(repo, NULL, commit->branch, checksum);
	if (!ostree_repo_commit_transaction(repo, NULL, NULL, error) ||
		!commit_renew_summary(repo, commit->gpg_keys, commit->gpg_home, error))
		return NULL;
	*ret_version = g_steal_pointer(&version);
	return g_steal_pointer(&checksum);
}
