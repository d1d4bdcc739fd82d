/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * objects: files, symlinks and directories as libostree's objects.
 *
 * Without a repository only the checksums are made, for what changes nothing.
 */
#pragma once

#include <ostree.h>

#include "ota/tree.h"

struct objects {
	OstreeRepo *repo; /* in a transaction; NULL: nothing is stored */
};

/* Stores a regular file with the node's owner, mode and extended attributes, and sets its checksum.
 * content is read from its beginning. */
gboolean objects_add_file(struct objects *objects, struct node *node, int content, GError **error);

/* The same for these bytes. */
gboolean objects_add_bytes(
	struct objects *objects, struct node *node, const void *bytes, gsize size, GError **error);

/* The same for a symlink with the node's target. */
gboolean objects_add_link(struct objects *objects, struct node *node, GError **error);

/* Stores the directories and makes of the tree what libostree commits. */
OstreeMutableTree *objects_add_tree(
	struct objects *objects, const struct node *root, GError **error);
