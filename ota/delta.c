/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/delta.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"

/* The commit from which the delta leads; "" for one from nothing. */
static char *find_from(OstreeRepo *repo, const struct delta *delta, const char *to, GError **error)
{
	g_autoptr(GVariant) commit = NULL;
	g_autofree char *from = NULL;

	if (delta->from && !*delta->from)
		return g_strdup("");
	if (delta->from)
		return ostree_repo_resolve_rev(repo, delta->from, FALSE, &from, error)
			       ? g_steal_pointer(&from)
			       : NULL;
	if (!ostree_repo_load_variant(repo, OSTREE_OBJECT_TYPE_COMMIT, to, &commit, error))
		return NULL;
	from = ostree_commit_get_parent(commit);
	if (!from)
		fault(error,
			"%s has one commit only; a delta from nothing is made with --from none",
			delta->branch);
	return g_steal_pointer(&from);
}

static GVariant *parameters(const struct delta *delta, const char *file)
{
	GVariantBuilder builder;

	g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sv}"));
	g_variant_builder_add(
		&builder, "{sv}", "bsdiff-enabled", g_variant_new_boolean(!delta->no_bsdiff));
	if (file) {
		g_variant_builder_add(
			&builder, "{sv}", "min-fallback-size", g_variant_new_uint32(0));
		g_variant_builder_add(
			&builder, "{sv}", "inline-parts", g_variant_new_boolean(TRUE));
		g_variant_builder_add(&builder, "{sv}", "filename", g_variant_new_bytestring(file));
	}
	return g_variant_ref_sink(g_variant_builder_end(&builder));
}

/* Puts a finished file in its place, so that a loss of power leaves the old or the new one. */
static gboolean finish(const char *temporary, const char *file, guint64 *ret_size, GError **error)
{
	int fd = open(temporary, O_RDONLY | O_CLOEXEC);
	struct stat st;
	gboolean good =
		fd >= 0 && fsync(fd) == 0 && fstat(fd, &st) == 0 && rename(temporary, file) == 0;

	if (good)
		*ret_size = (guint64)st.st_size;
	else
		fault_errno(error, "%s", file);
	if (fd >= 0)
		close(fd);
	return good;
}

gboolean delta_make(OstreeRepo *repo, const struct delta *delta, guint64 *ret_size, GError **error)
{
	g_autofree char *to = NULL, *from = NULL, *temporary = NULL;
	g_autoptr(GVariant) options = NULL;
	gboolean good;

	*ret_size = 0;
	if (!ostree_repo_resolve_rev(repo, delta->branch, FALSE, &to, error))
		return FALSE;
	from = find_from(repo, delta, to, error);
	if (!from)
		return FALSE;
	temporary = delta->file ? g_strdup_printf("%s.%d.new", delta->file, (int)getpid()) : NULL;
	options = parameters(delta, temporary);
	good = ostree_repo_static_delta_generate(repo, OSTREE_STATIC_DELTA_GENERATE_OPT_MAJOR,
		       *from ? from : NULL, to, NULL, options, NULL, error) &&
	       (!temporary || finish(temporary, delta->file, ret_size, error));
	if (temporary)
		(void)unlink(temporary);
	return good;
}
