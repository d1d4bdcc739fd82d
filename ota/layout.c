/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/layout.h"

#include <string.h>
#include <sys/stat.h>

#include "ota/bootfiles.h"
#include "ota/fault.h"
#include "ota/var.h"

static gboolean add_link(
	struct layout *layout, const char *path, const char *target, GError **error)
{
	struct node *link = tree_find(layout->root, path)
				    ? NULL
				    : tree_make(layout->root, path, S_IFLNK | 0777);

	if (!link)
		return TRUE;
	link->target = g_strdup(target);
	return objects_add_link(layout->objects, link, error);
}

/* Replaces a file, with the owner, mode and attributes that it has. */
static gboolean rewrite(
	struct layout *layout, struct node *node, const char *bytes, gsize size, GError **error)
{
	g_clear_pointer(&node->content, g_bytes_unref);
	node->content = g_bytes_new(bytes, size);
	return objects_add_bytes(layout->objects, node, bytes, size, error);
}

static void check_etc(struct layout *layout)
{
	struct node *etc = tree_find(layout->root, "usr/etc");
	g_autoptr(GPtrArray) children = tree_children(etc);
	gboolean moved = FALSE, there = FALSE;

	for (guint i = 0; i < children->len; i++) {
		const struct node *node = g_ptr_array_index(children, i);

		there |= node->origin && g_str_has_prefix(node->origin, "usr/etc/");
		moved |= node->origin && g_str_has_prefix(node->origin, "etc/");
	}
	if (there && moved)
		ledger_add(layout->ledger, LEDGER_REFUSED, "etc", "usr/etc",
			"the source has files in etc and in usr/etc, and only one of them can be the configuration");
	if (!etc)
		ledger_add(layout->ledger, LEDGER_NO_BOOT, "etc", "etc", "it is missing");
}

/* The directories that every system mounts something on. */
static void add_mount_points(struct layout *layout)
{
	static const char *const names[] = { "boot", "dev", "proc", "run", "sys", "sysroot", "tmp",
		"var" };
	struct node *obstacle;

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		struct node *node = tree_make_directory(layout->root, names[i], &obstacle);

		if (!node)
			ledger_add(layout->ledger, LEDGER_REFUSED, "type", names[i],
				"it must be a directory, to mount something on it");
		else if (!node->origin && !strcmp(names[i], "tmp"))
			node->mode = S_IFDIR | 01777;
	}
}

/* Makes usr/lib64 of a link that was in /, such as lib64 -> lib, and the links in /. */
static gboolean add_merged(struct layout *layout, GError **error)
{
	for (gsize i = 0; place_merged[i]; i++) {
		const char *target = g_hash_table_lookup(layout->merged, place_merged[i]);
		g_autofree char *in_usr = g_build_filename("usr", place_merged[i], NULL);

		if (target && !tree_find(layout->root, in_usr)) {
			const char *last = strrchr(target, '/');

			if (!add_link(layout, in_usr, last ? last + 1 : target, error))
				return FALSE;
		}
		if (tree_find(layout->root, in_usr) &&
			!add_link(layout, place_merged[i], in_usr, error))
			return FALSE;
	}
	return TRUE;
}

/* Makes the directory to which a link leads, if that is in var. */
static void add_target(struct layout *layout, const char *path, const char *target)
{
	const char *in_var = strstr(target, "var/");
	struct node *obstacle, *node;

	if (!in_var || tree_find(layout->root, in_var))
		return;
	node = tree_make_directory(layout->root, in_var, &obstacle);
	if (node && !strcmp(path, "root"))
		node->mode = S_IFDIR | 0700;
}

static gboolean add_links(struct layout *layout, GError **error)
{
	for (enum place_rule rule = PLACE_NONE + 1; rule < PLACE_RULES; rule++) {
		const char *path = place_directory(rule), *target = place_link(rule);

		if (!target || layout->without & 1U << rule || tree_find(layout->root, path))
			continue;
		if (!add_link(layout, path, target, error))
			return FALSE;
		add_target(layout, path, target);
	}
	return add_link(layout, "ostree", "sysroot/ostree", error);
}

/* An empty file means "make one at the first boot" (machine-id(5)). */
static gboolean empty_machine_id(struct layout *layout, GError **error)
{
	struct node *node = tree_find(layout->root, "usr/etc/machine-id");

	if (!node || !node->checksum || node->target || !node->size)
		return TRUE;
	ledger_add(layout->ledger, LEDGER_CHANGED, "machine-id", "etc/machine-id",
		"emptied, because each device makes its own");
	return rewrite(layout, node, "", 0, error);
}

static void drop_host_keys(struct layout *layout)
{
	g_autoptr(GPtrArray) children = tree_children(tree_find(layout->root, "usr/etc/ssh"));

	for (guint i = 0; i < children->len; i++) {
		struct node *node = g_ptr_array_index(children, i);

		if (!g_str_has_prefix(node->name, "ssh_host_") || !strstr(node->name, "_key"))
			continue;
		ledger_add(layout->ledger, LEDGER_LEFT_OUT, "host-key",
			node->origin ? node->origin : node->name, "each device makes its own");
		tree_remove(node);
	}
}

/* Comments out the lines of fstab for "/" and "/boot": OSTree's boot mounts them, and another disk has
 * other names. */
static gboolean settle_fstab(struct layout *layout, GError **error)
{
	struct node *node = tree_find(layout->root, "usr/etc/fstab");
	g_autoptr(GString) out = g_string_new(NULL);
	g_auto(GStrv) lines = NULL;
	g_autofree char *text = NULL;
	gboolean changed = FALSE;

	if (!node || !node->content)
		return TRUE;
	text = g_strndup(g_bytes_get_data(node->content, NULL), g_bytes_get_size(node->content));
	lines = g_strsplit(text, "\n", -1);
	for (gsize i = 0; lines[i]; i++) {
		g_autofree char *copy = g_strdelimit(g_strdup(lines[i]), "\t", ' ');
		g_auto(GStrv) words = g_strsplit(g_strstrip(copy), " ", -1);
		const char *where = NULL;

		for (gsize j = 0, seen = 0; words[j] && !where; j++)
			if (*words[j] && ++seen == 2)
				where = words[j];
		if (where && *copy != '#' && (!strcmp(where, "/") || !strcmp(where, "/boot"))) {
			g_string_append(out, "# ");
			changed = TRUE;
			ledger_add(layout->ledger, LEDGER_CHANGED, "fstab", where,
				"its line in etc/fstab is a comment now, because the boot mounts it, and the disk is another one");
		}
		g_string_append(out, lines[i]);
		if (lines[i + 1])
			g_string_append_c(out, '\n');
	}
	return !changed || rewrite(layout, node, out->str, out->len, error);
}

static gboolean check_release_file(struct layout *layout, GError **error)
{
	static const char minimal[] = "NAME=\"Linux\"\nID=linux\nPRETTY_NAME=\"Linux\"\n";
	struct node *node;

	if (tree_resolve(layout->root, "usr/lib/os-release") ||
		tree_resolve(layout->root, "usr/etc/os-release"))
		return TRUE;
	node = tree_make(layout->root, "usr/lib/os-release", S_IFREG | 0644);
	if (!node)
		return TRUE;
	ledger_add(layout->ledger, LEDGER_MADE, "os-release", "usr/lib/os-release",
		"libostree names the menu's entries by it");
	return objects_add_bytes(layout->objects, node, minimal, strlen(minimal), error);
}

static void check_init(struct layout *layout)
{
	static const char *const inits[] = { "sbin/init", "usr/etc/init", "bin/init" };
	struct node *node = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(inits) && !node; i++)
		node = tree_resolve(layout->root, inits[i]);
	if (!node)
		ledger_add(layout->ledger, LEDGER_NO_BOOT, "init", "sbin/init",
			"the tree has no init, neither there nor in etc/init nor in bin/init");
	else if (!node->checksum || !(node->mode & 0111))
		ledger_add(
			layout->ledger, LEDGER_NO_BOOT, "init", "sbin/init", "it is not a program");
	else if (node->kernel.format == KERNEL_ELF && layout->machine && node->kernel.machine &&
		 !kernel_can_start(layout->machine, node->kernel.machine))
		ledger_add(layout->ledger, LEDGER_NO_BOOT, "init", "sbin/init",
			"it is for another architecture than the kernel");
}

gboolean layout_apply(struct layout *layout, GError **error)
{
	check_etc(layout);
	if (!bootfiles_settle(layout, error) || !add_merged(layout, error) ||
		!add_links(layout, error) || !var_settle(layout, error))
		return FALSE;
	add_mount_points(layout);
	drop_host_keys(layout);
	if (!empty_machine_id(layout, error) || !settle_fstab(layout, error) ||
		!check_release_file(layout, error))
		return FALSE;
	check_init(layout);
	return TRUE;
}
