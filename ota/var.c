/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/var.h"

#include <string.h>
#include <sys/stat.h>

static const char factory[] = "usr/share/factory";

void var_add_path(GString *line, const char *path)
{
	g_string_append_c(line, '"');
	for (const char *c = path; *c; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_c(line, '\\');
		/* It begins a specifier. */
		else if (*c == '%')
			g_string_append_c(line, '%');
		g_string_append_c(line, *c);
	}
	g_string_append_c(line, '"');
}

void var_add_argument(GString *line, const char *argument)
{
	for (const char *c = argument; *c; c++) {
		if (*c == '%')
			g_string_append(line, "%%");
		else if (g_ascii_isalnum(*c) || strchr("/._-+:@,=~", *c))
			g_string_append_c(line, *c);
		else
			g_string_append_printf(line, "\\x%02x", (unsigned char)*c);
	}
}

static void add_line(GString *lines, const struct node *node, const char *path)
{
	g_autofree char *in_var = g_strconcat("/var/", path, NULL);

	g_string_append_c(lines, node->children ? 'd' : node->target ? 'L' : 'C');
	g_string_append_c(lines, ' ');
	var_add_path(lines, in_var);
	if (node->target) {
		g_string_append(lines, " - - - - ");
		var_add_argument(lines, node->target);
	} else {
		g_string_append_printf(
			lines, " %04o %u %u -", node->mode & 07777, node->uid, node->gid);
	}
	if (!node->children && !node->target) {
		g_autofree char *from = g_strconcat("/", factory, in_var, NULL);

		g_string_append_c(lines, ' ');
		var_add_argument(lines, from);
	}
	g_string_append_c(lines, '\n');
}

static void add_lines(struct layout *layout, GString *lines, const struct node *directory,
	const char *path, gboolean fills)
{
	g_autoptr(GPtrArray) children = tree_children(directory);

	for (guint i = 0; i < children->len; i++) {
		const struct node *node = g_ptr_array_index(children, i);
		g_autofree char *below =
			*path ? g_build_filename(path, node->name, NULL) : g_strdup(node->name);

		/* No line can have such a name. */
		if (strchr(below, '\n')) {
			g_autofree char *in_var = g_build_filename("var", below, NULL);

			ledger_add(layout->ledger, LEDGER_LOST, "var", in_var,
				"systemd-tmpfiles cannot have a line feed in a name; a new disk has it");
			continue;
		}
		add_line(lines, node, below);
		if (node->children) {
			add_lines(layout, lines, node, below, fills);
		} else if (!fills) {
			g_autofree char *in_var = g_build_filename("var", below, NULL);

			ledger_add(layout->ledger, LEDGER_LOST, "var", in_var,
				"nothing in this tree fills /var, as systemd-tmpfiles would; a new disk has it");
		}
	}
}

static gboolean has_tmpfiles(struct layout *layout)
{
	return tree_resolve(layout->root, "usr/bin/systemd-tmpfiles") ||
	       tree_resolve(layout->root, "usr/lib/systemd/systemd");
}

gboolean var_settle(struct layout *layout, GError **error)
{
	struct node *var = tree_find(layout->root, "var"), *directory, *file, *obstacle;
	g_autoptr(GString) lines = g_string_new(NULL);

	if (!tree_is_directory(var) || !g_hash_table_size(var->children))
		return TRUE;
	add_lines(layout, lines, var, "", has_tmpfiles(layout));
	directory = tree_make_directory(layout->root, factory, &obstacle);
	if (!directory || tree_find(directory, "var")) {
		ledger_add(layout->ledger, LEDGER_REFUSED, "var", "usr/share/factory/var",
			"the source has it already, and the content of /var would go there");
		return TRUE;
	}
	tree_put(directory, tree_twin(var, "var"));
	tree_remove(var);
	/* Its name sorts after others, whose lines for the same path count. */
	file = tree_make(layout->root, "usr/lib/tmpfiles.d/zz-rootstock-var.conf", S_IFREG | 0644);
	if (!file)
		return TRUE;
	ledger_add(layout->ledger, LEDGER_MOVED, "var", "var",
		"to usr/share/factory/var: it is the device's, and a commit's own var is empty");
	return objects_add_bytes(layout->objects, file, lines->str, lines->len, error);
}
