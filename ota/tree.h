/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree: the tree that becomes a commit, in memory, without the contents of its files.
 *
 * A file's content is known by its checksum, as libostree makes it of content, owner, mode and
 * extended attributes. So two names of one file are two nodes with the same checksum, and a changed
 * owner would be another file: a node of a file is replaced, never changed.
 */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "bls/kernel.h"

struct node {
	char *name;
	struct node *parent; /* NULL: the root */
	mode_t mode;	     /* type and permissions */
	guint32 uid, gid;
	GVariant *xattrs;     /* a(ayay), sorted */
	char *target;	      /* of a symlink */
	char *checksum;	      /* of a file or symlink */
	guint64 size;	      /* of a file */
	char *origin;	      /* its path in the source; NULL: it was made here */
	unsigned layer;	      /* the number of the source */
	GBytes *content;      /* of a file that rules read; else NULL */
	struct kernel kernel; /* what it is, if it may be a kernel */
	GHashTable *children; /* of a directory: name to node; else NULL */
};

/* An empty root directory, 0:0 and 0755. */
struct node *tree_new(void);
void tree_free(struct node *node);

/* The node at a path, "" for root itself, or NULL. Symlinks are not followed. */
struct node *tree_find(struct node *root, const char *path);

/* The same through symlinks, as a booted system would; at most 40 links, and none leads out. */
struct node *tree_resolve(struct node *root, const char *path);

/* The directory at a path, as of g_path_get_dirname(), with directories that are missing; NULL if a part is no directory, which
 * *ret_obstacle then is. */
struct node *tree_make_directory(struct node *root, const char *path, struct node **ret_obstacle);

/* A node that is in no directory yet. Its name is taken; a directory has its children. */
struct node *tree_node(const char *name, mode_t mode);

/* Puts such a node into a directory, instead of another one of its name. */
void tree_put(struct node *directory, struct node *node);

/* A node at a path, in directories that are made if they are missing, instead of another one there.
 * NULL if a part of the path is no directory. */
struct node *tree_make(struct node *root, const char *path, mode_t mode);

/* Another node for what node is, in no directory yet: a file, symlink or directory with all below
 * it. */
struct node *tree_twin(const struct node *node, const char *name);

/* Removes a node from its directory and frees it. */
void tree_remove(struct node *node);

/* Takes a node out of its directory and puts it into another one. The name must be free there. */
void tree_move(struct node *node, struct node *directory, const char *name);

/* The path from the root. */
char *tree_path(const struct node *node);

/* The children of a directory, sorted bytewise by name; none of something else, or of NULL. The array
 * holds no references. */
GPtrArray *tree_children(const struct node *node);

static inline gboolean tree_is_directory(const struct node *node)
{
	return node && node->children;
}
