/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commit: a repository, and the tree of a conversion as the next commit on a branch.
 *
 * The repository is of the mode "archive", in which owners and extended attributes are data, so that
 * any user can write it. Everything is one transaction: after a failure the branch is where it was.
 */
#pragma once

#include <ostree.h>

#include "ota/objects.h"

struct commit {
	const char *branch, *subject;
	const char *version;	     /* NULL: the parent's, counted up, or "1" */
	const char *release;	     /* of the kernel; NULL: there is none */
	const char *metadata;	     /* a JSON document for programs; NULL: none */
	const char *const *kargs;    /* kernel arguments, or NULL */
	const char *const *gpg_keys; /* with which it is signed, or NULL */
	const char *gpg_home;	     /* NULL: GnuPG's default */
	gint64 newest;		     /* the newest time in the sources */
};

/* Opens a repository; makes it if there is nothing at the path, or an empty directory. */
OstreeRepo *commit_open(const char *path, GError **error);

/* Makes the list of branches, commits and deltas anew, by which devices find them, and signs it. */
gboolean commit_renew_summary(
	OstreeRepo *repo, const char *const *gpg_keys, const char *gpg_home, GError **error);

/* Writes the commit, signs it, sets the branch and renews the summary. The transaction, which the
 * caller has begun, is ended. Returns the checksum. */
char *commit_write(struct objects *objects, const struct node *root, const struct commit *commit,
	char **ret_version, GError **error);
