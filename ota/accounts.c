/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/accounts.h"

#include <string.h>

/* name:password:number: of each line, as a table of names and numbers. */
static GHashTable *read_numbers(const char *text, gsize size)
{
	GHashTable *numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *copy = g_strndup(text, size);
	g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

	for (gsize i = 0; lines[i]; i++) {
		g_auto(GStrv) fields = g_strsplit(lines[i], ":", -1);

		if (*lines[i] != '#' && g_strv_length(fields) >= 3)
			g_hash_table_insert(numbers, g_strdup(fields[0]), g_strdup(fields[2]));
	}
	return numbers;
}

static void compare(const char *path, GHashTable *before, GHashTable *now, struct ledger *ledger,
	gboolean allow)
{
	g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(now), (GCompareFunc)strcmp);

	for (GList *name = names; name; name = name->next) {
		const char *old = g_hash_table_lookup(before, name->data);
		const char *number = g_hash_table_lookup(now, name->data);

		if (old && strcmp(old, number) != 0)
			ledger_add(ledger, allow ? LEDGER_WARNING : LEDGER_REFUSED, "accounts",
				path,
				"%s has the number %s, and had %s in the commit before, which owns files in /var and /etc of the devices; give it that number again, or say --allow-id-changes",
				(char *)name->data, number, old);
	}
}

gboolean accounts_check(OstreeRepo *repo, const char *branch, struct node *root,
	struct ledger *ledger, gboolean allow, GError **error)
{
	static const char *const paths[] = { "usr/etc/passwd", "usr/etc/group", "usr/lib/passwd",
		"usr/lib/group" };
	g_autofree char *parent = NULL;
	g_autoptr(GFile) before = NULL;

	if (!ostree_repo_resolve_rev(repo, branch, TRUE, &parent, error))
		return FALSE;
	if (!parent)
		return TRUE;
	if (!ostree_repo_read_commit(repo, parent, &before, NULL, NULL, error))
		return FALSE;
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		const struct node *node = tree_find(root, paths[i]);
		g_autoptr(GFile) file = g_file_resolve_relative_path(before, paths[i]);
		g_autoptr(GHashTable) old = NULL, new = NULL;
		g_autofree char *text = NULL;
		gsize size;

		if (!node || !node->content ||
			!g_file_load_contents(file, NULL, &text, &size, NULL, NULL))
			continue;
		old = read_numbers(text, size);
		new = read_numbers(
			g_bytes_get_data(node->content, NULL), g_bytes_get_size(node->content));
		compare(paths[i], old, new, ledger, allow);
	}
	return TRUE;
}
