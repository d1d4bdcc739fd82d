/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/place.h"

#include <string.h>

static const struct rule {
	const char *name, *reason;
	const char *from, *to; /* NULL: not moved as a whole */
	const char *link;
	gboolean fixed; /* cannot be left out */
} rules[PLACE_RULES] = {
	[PLACE_RUNTIME] = { "runtime", "it is made at each boot", NULL, NULL, NULL, TRUE },
	[PLACE_ROOTLINKS] = { "rootlinks", "the boot loader's entries name the kernel", NULL, NULL,
		NULL, FALSE },
	[PLACE_ETC] = { "etc", "each deployment merges it into its own /etc", "etc", "usr/etc",
		NULL, TRUE },
	[PLACE_MERGE] = { "merge", "only /usr has programs", NULL, NULL, NULL, TRUE },
	[PLACE_HOME] = { "home", "it is the device's, and is kept by updates", "home", "var/home",
		"var/home", FALSE },
	[PLACE_OPT] = { "opt", "it is the device's, and is kept by updates", "opt", "var/opt",
		"var/opt", FALSE },
	[PLACE_SRV] = { "srv", "it is the device's, and is kept by updates", "srv", "var/srv",
		"var/srv", FALSE },
	[PLACE_MNT] = { "mnt", "it is the device's, and is kept by updates", "mnt", "var/mnt",
		"var/mnt", FALSE },
	[PLACE_MEDIA] = { "media", "it is made at each boot", "media", NULL, "run/media", FALSE },
	[PLACE_ROOT] = { "root", "it is the device's, and is kept by updates", "root",
		"var/roothome", "var/roothome", FALSE },
	[PLACE_LOCAL] = { "local", "it is the device's, and is kept by updates", "usr/local",
		"var/usrlocal", "../var/usrlocal", FALSE },
	[PLACE_CACHE] = { "cache", "programs make it again", NULL, NULL, NULL, FALSE },
};

/* What is in these directories is made at boot, or is OSTree's. */
static const char *const runtime[] = { "dev", "proc", "sys", "run", "tmp", "lost+found", "ostree",
	"sysroot", "var/run", "var/lock", "var/tmp" };
static const char *const rootlinks[] = { "vmlinuz", "vmlinuz.old", "initrd.img", "initrd.img.old" };
const char *const place_merged[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32", NULL };
static const char *const caches[] = { "var/cache", "var/log" };

const char *place_rule_name(enum place_rule rule)
{
	return rules[rule].name;
}

const char *place_rule_reason(enum place_rule rule)
{
	return rules[rule].reason;
}

const char *place_directory(enum place_rule rule)
{
	return rules[rule].from;
}

const char *place_link(enum place_rule rule)
{
	return rules[rule].link;
}

enum place_rule place_rule_of(const char *name)
{
	for (enum place_rule rule = PLACE_NONE + 1; rule < PLACE_RULES; rule++)
		if (!rules[rule].fixed && !strcmp(rules[rule].name, name))
			return rule;
	return PLACE_NONE;
}

/* The part of path after directory and "/", "" for the directory itself, or NULL. */
static const char *below(const char *path, const char *directory)
{
	const size_t length = strlen(directory);

	if (strncmp(path, directory, length) != 0)
		return NULL;
	return path[length] == '/' ? path + length + 1 : path[length] ? NULL : path + length;
}

static char *join(const char *directory, const char *rest)
{
	return *rest ? g_build_filename(directory, rest, NULL) : g_strdup(directory);
}

/* Finds the directory of a list that has the path; *ret_rest is as below() returns it. */
static const char *find(
	const char *const list[], size_t count, const char *path, const char **ret_rest)
{
	for (size_t i = 0; i < count; i++)
		if ((*ret_rest = below(path, list[i])))
			return list[i];
	return NULL;
}

/* Finds the rule that moves the path with its directory. */
static enum place_rule find_move(const char *path, gboolean is_directory, const char **ret_rest)
{
	for (enum place_rule rule = PLACE_NONE + 1; rule < PLACE_RULES; rule++)
		if (rules[rule].from && (*ret_rest = below(path, rules[rule].from)) &&
			(**ret_rest || is_directory))
			return rule;
	return PLACE_NONE;
}

char *place(
	const char *path, gboolean is_directory, place_without without, enum place_rule *ret_rule)
{
	const char *rest, *directory;
	enum place_rule rule;

	*ret_rule = PLACE_NONE;
	/* The directory itself stays, as a mount point. */
	if (find(runtime, G_N_ELEMENTS(runtime), path, &rest) && (*rest || !is_directory)) {
		*ret_rule = PLACE_RUNTIME;
		return NULL;
	}
	if (find(rootlinks, G_N_ELEMENTS(rootlinks), path, &rest) && !*rest &&
		!(without & 1U << PLACE_ROOTLINKS)) {
		*ret_rule = PLACE_ROOTLINKS;
		return NULL;
	}
	if (find(caches, G_N_ELEMENTS(caches), path, &rest) && *rest && !is_directory &&
		!(without & 1U << PLACE_CACHE)) {
		*ret_rule = PLACE_CACHE;
		return NULL;
	}
	directory = find(place_merged, G_N_ELEMENTS(place_merged) - 1, path, &rest);
	if (directory) {
		*ret_rule = PLACE_MERGE;
		/* A symlink: layout_apply() makes one that is right. */
		if (!*rest && !is_directory)
			return NULL;
		return g_build_filename("usr", path, NULL);
	}
	rule = find_move(path, is_directory, &rest);
	if (!rule || (!rules[rule].fixed && without & 1U << rule))
		return g_strdup(path);
	*ret_rule = rule;
	if (rules[rule].to)
		return join(rules[rule].to, rest);
	return NULL;
}

/* What a relative target in this file's directory leads to, without a look at other symlinks. */
static char *lead(const char *path, const char *target)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *whole = g_build_filename("/", directory, target, NULL);
	g_autofree char *canonical = g_canonicalize_filename(whole, "/");

	return g_strdup(canonical + 1);
}

char *place_target(const char *from, const char *to, const char *target, place_without without)
{
	g_autofree char *before = NULL, *after = NULL, *placed = NULL;
	enum place_rule rule;

	/* What is in usr/etc is used in /etc. */
	if (target[0] == '/' || !strcmp(from, to) || below(from, "etc"))
		return NULL;
	before = lead(from, target);
	after = lead(to, target);
	placed = place(before, TRUE, without, &rule);
	if (!strcmp(after, before) || (placed && !strcmp(after, placed)))
		return NULL;
	return g_strconcat("/", before, NULL);
}
