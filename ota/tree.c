/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/tree.h"

#include <string.h>
#include <sys/stat.h>

enum { LINKS_MAX = 40 };

struct node *tree_node(const char *name, mode_t mode)
{
	struct node *node = g_new0(struct node, 1);

	node->name = g_strdup(name);
	node->mode = mode;
	if (S_ISDIR(mode))
		node->children = g_hash_table_new(g_str_hash, g_str_equal);
	return node;
}

struct node *tree_new(void)
{
	return tree_node("", S_IFDIR | 0755);
}

static void clear(struct node *node)
{
	GHashTableIter iter;
	gpointer child;

	if (node->children) {
		g_hash_table_iter_init(&iter, node->children);
		while (g_hash_table_iter_next(&iter, NULL, &child))
			tree_free(child);
		g_hash_table_unref(node->children);
	}
	g_clear_pointer(&node->xattrs, g_variant_unref);
	g_clear_pointer(&node->content, g_bytes_unref);
	g_free(node->target);
	g_free(node->checksum);
	g_free(node->origin);
}

void tree_free(struct node *node)
{
	if (!node)
		return;
	clear(node);
	g_free(node->name);
	g_free(node);
}

static struct node *child(struct node *node, const char *name)
{
	return node->children ? g_hash_table_lookup(node->children, name) : NULL;
}

struct node *tree_find(struct node *root, const char *path)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	struct node *node = root;

	for (size_t i = 0; node && parts[i]; i++)
		if (*parts[i])
			node = child(node, parts[i]);
	return node;
}

struct node *tree_resolve(struct node *root, const char *path)
{
	g_autoptr(GString) rest = g_string_new(path);
	struct node *node = root;
	unsigned links = 0;

	while (node && rest->len) {
		g_autofree char *name = g_strndup(rest->str, strcspn(rest->str, "/"));

		g_string_erase(rest, 0, (gssize)(strlen(name) + (strlen(name) < rest->len)));
		if (!*name || !strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			node = node->parent ? node->parent : node;
			continue;
		}
		/* A booted system's /etc is made of usr/etc. */
		if (node == root && !strcmp(name, "etc") && !child(node, name))
			node = tree_find(root, "usr/etc");
		else
			node = child(node, name);
		if (!node || !node->target)
			continue;
		if (++links > LINKS_MAX)
			return NULL;
		g_string_prepend_c(rest, '/');
		g_string_prepend(rest, node->target);
		node = node->target[0] == '/' ? root : node->parent;
	}
	return node;
}

struct node *tree_make_directory(struct node *root, const char *path, struct node **ret_obstacle)
{
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	struct node *node = root;

	for (size_t i = 0; parts[i]; i++) {
		struct node *next;

		if (!*parts[i] || !strcmp(parts[i], "."))
			continue;
		next = child(node, parts[i]);
		if (!next) {
			next = tree_node(parts[i], S_IFDIR | 0755);
			tree_put(node, next);
		} else if (!next->children) {
			*ret_obstacle = next;
			return NULL;
		}
		node = next;
	}
	return node;
}

void tree_put(struct node *directory, struct node *node)
{
	struct node *old = child(directory, node->name);

	if (old)
		tree_remove(old);
	node->parent = directory;
	g_hash_table_insert(directory->children, node->name, node);
}

struct node *tree_make(struct node *root, const char *path, mode_t mode)
{
	g_autofree char *above = g_path_get_dirname(path), *name = g_path_get_basename(path);
	struct node *obstacle, *node;
	struct node *directory = tree_make_directory(root, above, &obstacle);

	if (!directory)
		return NULL;
	node = tree_node(name, mode);
	tree_put(directory, node);
	return node;
}

struct node *tree_twin(const struct node *node, const char *name)
{
	struct node *twin = tree_node(name, node->mode);
	GHashTableIter iter;
	gpointer below;

	twin->uid = node->uid;
	twin->gid = node->gid;
	twin->xattrs = node->xattrs ? g_variant_ref(node->xattrs) : NULL;
	twin->target = g_strdup(node->target);
	twin->checksum = g_strdup(node->checksum);
	twin->size = node->size;
	twin->origin = g_strdup(node->origin);
	twin->layer = node->layer;
	twin->content = node->content ? g_bytes_ref(node->content) : NULL;
	twin->kernel = node->kernel;
	if (!node->children)
		return twin;
	g_hash_table_iter_init(&iter, node->children);
	while (g_hash_table_iter_next(&iter, NULL, &below))
		tree_put(twin, tree_twin(below, ((struct node *)below)->name));
	return twin;
}

void tree_remove(struct node *node)
{
	g_hash_table_remove(node->parent->children, node->name);
	tree_free(node);
}

void tree_move(struct node *node, struct node *directory, const char *name)
{
	/* It may be the old name itself. */
	char *copy = g_strdup(name);

	g_hash_table_remove(node->parent->children, node->name);
	g_free(node->name);
	node->name = copy;
	node->parent = directory;
	g_hash_table_insert(directory->children, node->name, node);
}

char *tree_path(const struct node *node)
{
	GString *path = g_string_new(NULL);

	for (; node->parent; node = node->parent) {
		if (path->len)
			g_string_prepend_c(path, '/');
		g_string_prepend(path, node->name);
	}
	return g_string_free(path, FALSE);
}

static gint by_name(gconstpointer left, gconstpointer right)
{
	const struct node *const *a = left, *const *b = right;

	return strcmp((*a)->name, (*b)->name);
}

GPtrArray *tree_children(const struct node *node)
{
	GPtrArray *found = g_ptr_array_new();
	GHashTableIter iter;
	gpointer below;

	if (!tree_is_directory(node))
		return found;
	g_hash_table_iter_init(&iter, node->children);
	while (g_hash_table_iter_next(&iter, NULL, &below))
		g_ptr_array_add(found, below);
	g_ptr_array_sort(found, by_name);
	return found;
}
