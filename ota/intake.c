/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/intake.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ota/fault.h"
#include "ota/interrupt.h"
#include "ota/keys.h"

enum { WANTED_MAX = 1 << 20 };

const char *const intake_wanted[] = { "usr/etc/passwd", "usr/etc/group", "usr/etc/fstab",
	"usr/etc/machine-id", "usr/lib/passwd", "usr/lib/group", NULL };

void intake_open(struct intake *intake)
{
	intake->merged = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void intake_close(struct intake *intake)
{
	g_clear_pointer(&intake->merged, g_hash_table_unref);
}

static void refuse(struct intake *intake, const char *rule, const char *path, const char *reason)
{
	ledger_add(intake->ledger, LEDGER_REFUSED, rule, path, "%s", reason);
}

static const char *type_name(mode_t mode)
{
	return S_ISCHR(mode)	? "a character device"
	       : S_ISBLK(mode)	? "a block device"
	       : S_ISFIFO(mode) ? "a FIFO"
	       : S_ISSOCK(mode) ? "a socket"
				: "of no type that is known";
}

/* Reads a file's first bytes, or all of it if a rule wants them. */
static void look_inside(struct node *node, const char *path, int content)
{
	unsigned char header[KERNEL_HEADER_SIZE] = { 0 };

	if (pread(content, header, sizeof header, 0) > 0)
		node->kernel = kernel_identify(header);
	if (g_strv_contains(intake_wanted, path) && node->size <= WANTED_MAX) {
		char *bytes = g_malloc(node->size + 1);
		ssize_t n = pread(content, bytes, node->size, 0);

		node->content = g_bytes_new_take(bytes, n > 0 ? (gsize)n : 0);
	}
}

/* The name that a hard link shares, or NULL after it was refused. */
static struct node *linked(struct intake *intake, const struct source_entry *entry)
{
	enum place_rule rule;
	g_autofree char *path = place(entry->hardlink, FALSE, intake->without, &rule);
	struct node *node = path ? tree_find(intake->root, path) : NULL;

	if (node && !tree_is_directory(node))
		return node;
	ledger_add(intake->ledger, LEDGER_REFUSED, "hard-link", entry->path,
		"it is a hard link to %s, which %s", entry->hardlink,
		path ? "did not come before it" : "is left out");
	return NULL;
}

/* Gives a node all that an entry says of it but its content and name. */
static void describe(
	struct node *node, const struct source_entry *entry, const struct intake *intake)
{
	/* Linux ignores the permissions of a symlink; a tar may have any. */
	node->mode = S_ISLNK(entry->mode) ? S_IFLNK | 0777 : entry->mode & (S_IFMT | 07777);
	node->uid = entry->uid;
	node->gid = entry->gid;
	g_clear_pointer(&node->xattrs, g_variant_unref);
	node->xattrs = entry->xattrs ? g_variant_ref(entry->xattrs) : NULL;
	g_free(node->origin);
	node->origin = g_strdup(entry->path);
	node->layer = intake->layer;
}

static gboolean key_is_allowed(const struct intake *intake, const char *path)
{
	return intake->allowed_keys && g_strv_contains(intake->allowed_keys, path);
}

/* Makes the node of an entry that is no directory and no hard link. *ret_node is NULL if it was
 * refused. */
static gboolean make_node(struct intake *intake, const struct source_entry *entry, const char *path,
	int content, struct node **ret_node, GError **error)
{
	g_autofree char *name = g_path_get_basename(path);
	struct node *node = tree_node(name, entry->mode);
	gboolean good;

	*ret_node = NULL;
	describe(node, entry, intake);
	if (entry->target) {
		node->target = place_target(entry->path, path, entry->target, intake->without);
		if (!node->target)
			node->target = g_strdup(entry->target);
		good = objects_add_link(intake->objects, node, error);
	} else {
		const char *key = keys_in(content);

		if (key && !key_is_allowed(intake, entry->path)) {
			ledger_add(intake->ledger, LEDGER_REFUSED, "key", entry->path,
				"this is %s, and everyone who may pull could read it; remove it, or give --allow-key",
				key);
			tree_free(node);
			return TRUE;
		}
		node->size = entry->size;
		look_inside(node, path, content);
		good = objects_add_file(intake->objects, node, content, error);
		progress_add(&intake->progress, entry->size);
	}
	if (good)
		*ret_node = node;
	else
		tree_free(node);
	return good;
}

/* The directory with this path, also through symlinks; NULL after it was refused. */
static struct node *directory_for(
	struct intake *intake, const struct source_entry *entry, const char *path)
{
	struct node *obstacle, *found = tree_resolve(intake->root, path);

	if (!found)
		found = tree_make_directory(intake->root, path, &obstacle);
	if (tree_is_directory(found))
		return found;
	ledger_add(intake->ledger, LEDGER_REFUSED, "type", entry->path,
		"what should be a directory above it is none");
	return NULL;
}

/* Says whether a symlink leads to the file that came from this path in the source. */
static gboolean leads_to(const struct node *link, const char *origin)
{
	g_autofree char *directory = NULL, *whole = NULL, *path = NULL;

	if (!link->target || !link->origin)
		return FALSE;
	directory = g_path_get_dirname(link->origin);
	whole = g_build_filename("/", directory, link->target, NULL);
	path = g_canonicalize_filename(link->target[0] == '/' ? link->target : whole, "/");
	return !strcmp(path + 1, origin);
}

/* Puts a file or symlink into a directory, beside what may be there already. */
static void put(struct intake *intake, struct node *directory, struct node *node)
{
	struct node *old = tree_find(directory, node->name);

	if (tree_is_directory(old)) {
		refuse(intake, "type", node->origin, "it is a directory elsewhere in the sources");
	} else if (!old || !old->origin || old->layer != node->layer ||
		   !strcmp(old->origin, node->origin) || leads_to(old, node->origin)) {
		tree_put(directory, node);
		return;
	} else if (strcmp(old->checksum, node->checksum) != 0 && !leads_to(node, old->origin)) {
		ledger_add(intake->ledger, LEDGER_REFUSED, "merge", node->origin,
			"%s is another file, and only one of them can be in /usr", old->origin);
	}
	tree_free(node);
}

static void take_directory(
	struct intake *intake, const struct source_entry *entry, const char *path)
{
	g_autofree char *above = g_path_get_dirname(path), *name = g_path_get_basename(path);
	struct node *parent = NULL, *node;

	if (*path) {
		parent = directory_for(intake, entry, above);
		if (!parent)
			return;
	}
	node = parent ? tree_find(parent, name) : intake->root;
	if (node && !tree_is_directory(node)) {
		refuse(intake, "type", entry->path, "it is no directory elsewhere in the sources");
		return;
	}
	if (!node) {
		node = tree_node(name, S_IFDIR | 0755);
		tree_put(parent, node);
	}
	/* Of bin and usr/bin, the second one's owner and mode count. */
	if (node->origin && node->layer == intake->layer && !strcmp(node->origin, path) &&
		strcmp(entry->path, path) != 0)
		return;
	describe(node, entry, intake);
}

static gboolean take_file(struct intake *intake, const struct source_entry *entry, const char *path,
	int content, GError **error)
{
	g_autofree char *above = g_path_get_dirname(path), *name = g_path_get_basename(path);
	struct node *node = NULL, *first, *parent;

	if (!entry->hardlink && !S_ISREG(entry->mode) && !S_ISLNK(entry->mode)) {
		ledger_add(intake->ledger, LEDGER_REFUSED, "type", entry->path,
			"it is %s, which a commit cannot have", type_name(entry->mode));
		return TRUE;
	}
	parent = directory_for(intake, entry, above);
	if (!parent)
		return TRUE;
	if (!entry->hardlink) {
		if (!make_node(intake, entry, path, content, &node, error))
			return FALSE;
	} else if ((first = linked(intake, entry))) {
		struct node *old = tree_find(parent, name);

		/* A link to itself is in some tars. */
		if (first == old)
			return TRUE;
		node = tree_twin(first, name);
		g_free(node->origin);
		node->origin = g_strdup(entry->path);
		node->layer = intake->layer;
	}
	if (node)
		put(intake, parent, node);
	return TRUE;
}

static gboolean take(void *context, const struct source_entry *entry, int content, GError **error)
{
	struct intake *intake = context;
	const gboolean is_directory = S_ISDIR(entry->mode) && !entry->hardlink;
	enum place_rule rule;
	g_autofree char *path = place(entry->path, is_directory, intake->without, &rule);

	if (!interrupt_check(error))
		return FALSE;
	intake->newest = MAX(intake->newest, entry->mtime);
	if (!path) {
		if (rule == PLACE_MERGE && entry->target)
			g_hash_table_insert(
				intake->merged, g_strdup(entry->path), g_strdup(entry->target));
		else
			ledger_add(intake->ledger, LEDGER_LEFT_OUT, place_rule_name(rule),
				entry->path, "%s", place_rule_reason(rule));
		return TRUE;
	}
	if (rule && is_directory && (!strchr(entry->path, '/') || rule == PLACE_LOCAL) &&
		!g_str_has_prefix(path, "var/usrlocal/"))
		ledger_add(intake->ledger, LEDGER_MOVED, place_rule_name(rule), entry->path,
			"to %s: %s", path, place_rule_reason(rule));
	if (is_directory)
		take_directory(intake, entry, path);
	else
		return take_file(intake, entry, path, content, error);
	return TRUE;
}

gboolean intake_read(struct intake *intake, const char *source, GError **error)
{
	const struct source_sink sink = { take, intake };

	intake->layer++;
	return source_read(source, &sink, error);
}
