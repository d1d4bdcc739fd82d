/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/var.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "prepare-root/fstab.h"
#include "prepare-root/join.h"
#include "prepare-root/path.h"
#include "prepare-root/tree.h"

int var_find(int root, const char *deployment, char ret_path[PATH_MAX])
{
	const char *end = deployment + strlen(deployment);
	char path[PATH_MAX];
	mode_t type;
	int err;

	for (int steps = 2; steps && end > deployment; steps--)
		while (end > deployment && *--end != '/')
			;
	if (end == deployment)
		return -ENOENT;
	err = join(path, sizeof path, deployment, NULL);
	if (err >= 0)
		err = join(path + (end - deployment), sizeof path - (size_t)(end - deployment),
			"/var", NULL);
	if (err < 0)
		return err;
	/* The deployment's path has no links. */
	if (tree_type(root, path) == S_IFDIR) {
		join(ret_path, PATH_MAX, path, NULL);
		return 0;
	}
	err = path_resolve(root, path, PATH_BENEATH, ret_path);
	if (err < 0)
		return err;
	type = tree_type(root, ret_path);
	return type == S_IFDIR ? 0 : type ? -ENOTDIR : -ENOENT;
}

/* What a name in one of systemd's directories means. */
enum name { NAME_FREE, NAME_USED, NAME_MASKED };

static const char *const system_directories[] = { "etc", "usr/local/lib", "usr/lib" };

/*
 * Looks up a name; its directory may be reached through links. Sets the path without links, as far
 * as it exists, and the mode of the file.
 */
static enum name look(int tree, const char *system_directory, const char *below, const char *name,
	char ret_path[PATH_MAX], mode_t *ret_mode)
{
	char path[PATH_MAX], directory[PATH_MAX];
	struct stat st;
	mode_t type;

	join(path, sizeof path, system_directory, below, NULL);
	if (path_resolve(tree, path, PATH_IN_ROOT, directory) < 0 ||
		join(path, sizeof path, directory, "/", name, NULL) < 0)
		return NAME_FREE;
	type = tree_type(tree, path);
	if (!type || type == S_IFDIR)
		return NAME_FREE;
	/* An empty file masks, as a link to /dev/null does. */
	if (path_resolve(tree, path, PATH_IN_ROOT, ret_path) < 0 ||
		fstatat(tree, ret_path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) ||
		!st.st_size)
		return NAME_MASKED;
	*ret_mode = st.st_mode;
	return NAME_USED;
}

static bool is_in_search_path(int tree, const char *path)
{
	for (size_t i = 0; i < sizeof system_directories / sizeof *system_directories; i++) {
		char name[64], directory[PATH_MAX];
		size_t len;

		join(name, sizeof name, system_directories[i], "/systemd/system", NULL);
		if (path_resolve(tree, name, PATH_IN_ROOT, directory) < 0)
			continue;
		len = strlen(directory);
		if (!strncmp(path, directory, len) && path[len] == '/')
			return true;
	}
	return false;
}

static enum name unit_in(int tree, const char *system_directory)
{
	static const char name[] = "var.mount";
	char path[PATH_MAX] = "";
	const char *slash;
	mode_t mode = 0;
	enum name found = look(tree, system_directory, "/systemd/system", name, path, &mode);

	/*
	 * A link within systemd's directories is an alias, which a mount unit cannot have: a link
	 * to another name, or to nothing, is ignored. A link that leads elsewhere is a unit.
	 */
	if (found == NAME_FREE || !is_in_search_path(tree, path))
		return found;
	slash = strrchr(path, '/');
	return strcmp(slash + 1, name) || !tree_type(tree, path) ? NAME_FREE : found;
}

static bool generator_runs(int tree)
{
	char path[PATH_MAX];
	mode_t mode;

	for (size_t i = 0; i < sizeof system_directories / sizeof *system_directories; i++) {
		enum name found = look(tree, system_directories[i], "/systemd/system-generators",
			"ostree-system-generator", path, &mode);

		if (found == NAME_MASKED || (found == NAME_USED && mode & 0111))
			return found == NAME_USED;
	}
	return false;
}

static bool fstab_has_var(int tree)
{
	static char text[TREE_FILE_MAX];
	ssize_t len = tree_read(tree, "etc/fstab", text);

	return len > 0 && fstab_has(text, (size_t)len, "/var");
}

bool var_is_the_trees(int tree, const char *init)
{
	static const char systemd[] = "/systemd/systemd";
	size_t len = strlen(init);
	enum name unit;

	if (len < sizeof systemd || strcmp(init + len - (sizeof systemd - 1), systemd))
		return fstab_has_var(tree);
	unit = unit_in(tree, system_directories[0]);
	if (unit == NAME_FREE && (generator_runs(tree) || fstab_has_var(tree)))
		return true;
	for (size_t i = 1;
		unit == NAME_FREE && i < sizeof system_directories / sizeof *system_directories;
		i++)
		unit = unit_in(tree, system_directories[i]);
	return unit == NAME_USED;
}
