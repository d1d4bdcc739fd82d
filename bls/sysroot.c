/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/sysroot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bls/args.h"
#include "bls/bootfs.h"
#include "prepare-root/path.h"

#define BOOT "boot/"
#define BOOT_VERSION "_OSTREE_GRUB2_BOOTVERSION"
#define NO_MEMORY "there is not enough memory for the prefix"
#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static const struct sysroot nothing = {
	.root_fd = -1, .boot_fd = -1, .loader_fd = -1, .entries_fd = -1, .out_fd = -1
};

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

const char *sysroot_why(int error)
{
	return error == -EXDEV ? "a symlink in it leads out of the sysroot" : strerror(-error);
}

static int failed(const struct reporter *reporter, const char *what, const char *path, int error)
{
	report(reporter, REPORT_ERROR, "the %s %s cannot be opened: %s", what, path,
		sysroot_why(error));
	return -1;
}

/* Resolves a path below ROOT: *ret_path has no symlinks. */
static int resolve(int root_fd, const char *path, char ret_path[PATH_MAX])
{
	int err = path_resolve(root_fd, path, PATH_IN_ROOT, ret_path);

	/* A path that leads out of ROOT gets its own error, not that of a missing file. */
	if (err == -ENOENT && path_resolve(root_fd, path, PATH_BENEATH, ret_path) == -EXDEV)
		return -EXDEV;
	if (err >= 0 && !*ret_path)
		memcpy(ret_path, ".", sizeof ".");
	return err < 0 ? err : 0;
}

/* Opens a directory; the path is from resolve() or sysroot_locate(). */
static int open_resolved(int err, int dir_fd, const char *path)
{
	int fd;

	if (err < 0)
		return err;
	/* Outside ROOT links are the caller's, and followed. */
	if (dir_fd != AT_FDCWD)
		return path_open(dir_fd, path, DIRECTORY);
	fd = open(path, DIRECTORY);
	return fd < 0 ? -errno : fd;
}

static int open_beneath(int root_fd, const char *path)
{
	char resolved[PATH_MAX];
	int err = resolve(root_fd, path, resolved);

	return open_resolved(err, root_fd, resolved);
}

/* True if the ".." of a path lead above its beginning. */
static bool climbs(const char *path)
{
	int depth = 0;

	while (depth >= 0 && *(path += strspn(path, "/"))) {
		size_t length = strcspn(path, "/");

		if (length == 2 && !memcmp(path, "..", 2))
			depth--;
		else if (length != 1 || *path != '.')
			depth++;
		path += length;
	}
	return depth < 0;
}

/* 1 if the first length bytes of path lead to ROOT, else 0, or a negative errno. */
static int is_root(const struct stat *root, const char *path, size_t length)
{
	const char *nearest = *path == '/' ? "/" : ".";
	char *name = length ? strndup(path, length) : strdup(nearest);
	struct stat st;
	int fd = name ? open(name, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1, found;

	found = fd < 0 || fstat(fd, &st) < 0 ? -errno : is_same(&st, root);
	if (fd >= 0)
		close(fd);
	free(name);
	return found;
}

/* Sets the part of a path after ROOT, or NULL if it does not lead through ROOT. */
static int find_inside(int root_fd, const char *path, const char **ret_inside)
{
	struct stat root;

	*ret_inside = NULL;
	if (root_fd < 0)
		return 0;
	if (fstat(root_fd, &root) < 0)
		return -errno;
	for (size_t i = 0;; i += strcspn(path + i, "/")) {
		int found = climbs(path + i) ? 0 : is_root(&root, path, i);

		if (found > 0)
			*ret_inside = path + i;
		i += strspn(path + i, "/");
		/* The last component may be a file, or missing. */
		if (found || !strchr(path + i, '/'))
			return found < 0 ? found : 0;
	}
}

int sysroot_locate(
	const struct sysroot *sysroot, const char *path, int *ret_dir_fd, char ret_path[PATH_MAX])
{
	const char *inside;
	int err = find_inside(sysroot->root_fd, path, &inside);

	*ret_dir_fd = inside ? sysroot->root_fd : AT_FDCWD;
	if (err < 0)
		return err;
	if (inside)
		return resolve(sysroot->root_fd, inside, ret_path);
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_path, path, strlen(path) + 1);
	return 0;
}

/* Opens a directory of the command line. */
static int open_named(const struct sysroot *sysroot, const char *path)
{
	char located[PATH_MAX];
	int dir_fd, err = sysroot_locate(sysroot, path, &dir_fd, located);

	return open_resolved(err, dir_fd, located);
}

/* The output's directory, with "/" at its end; NULL without memory. */
static char *output_directory(const char *out)
{
	const char *slash = strrchr(out, '/');

	return slash ? strndup(out, (size_t)(slash - out) + 1) : strdup("./");
}

/* Opens the output's directory and keeps its name in it. */
static int open_output(const char *out, const struct reporter *reporter, struct sysroot *sysroot)
{
	const char *slash = strrchr(out, '/');
	const char *name = slash ? slash + 1 : out;
	char *dir;

	sysroot->out = out;
	if (!strcmp(out, "-"))
		return 0;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		report(reporter, REPORT_ERROR, "%s is a directory: -o needs the name of a file",
			out);
		return -1;
	}
	dir = output_directory(out);
	sysroot->out_name = strdup(name);
	sysroot->out_fd = dir && sysroot->out_name ? open_named(sysroot, dir) : -ENOMEM;
	if (sysroot->out_fd < 0)
		(void)failed(reporter, "directory of the output", dir ? dir : out, sysroot->out_fd);
	free(dir);
	return sysroot->out_fd < 0 ? -1 : 0;
}

/* False only if path is missing below the first length bytes of out. Other errors are reported when
 * the sysroot is opened. */
static bool may_have(const char *out, size_t length, const char *path)
{
	char *root = length ? strndup(out, length) : strdup(".");
	int root_fd = root ? open(root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	int err = root_fd < 0 ? -errno : open_beneath(root_fd, path);

	free(root);
	if (root_fd >= 0)
		close(root_fd);
	if (err >= 0)
		close(err);
	return err != -ENOENT && err != -ENOTDIR;
}

/* Finds the last boot/ in the output's name that has needed beside it, else the last one, because
 * GRUB's directory on EFI may be called boot too. NULL if there is none. */
static const char *find_boot(const char *out, const char *needed)
{
	const char *last = NULL;

	for (size_t i = strlen(out); i-- > 0;) {
		if (strncmp(out + i, BOOT, strlen(BOOT)) != 0 || (i && out[i - 1] != '/'))
			continue;
		if (!needed || may_have(out, i, needed))
			return out + i;
		if (!last)
			last = out + i;
	}
	return last;
}

/* ROOT's name, with "/" at its end; NULL with errno 0 if the command line does not give it. */
static char *find_root(const struct sysroot_wish *wish, const char *needed)
{
	const char *boot;
	char *root;

	if (wish->root)
		return asprintf(&root, "%s%s", wish->root,
			       wish->root[strlen(wish->root) - 1] == '/' ? "" : "/") < 0
			       ? NULL
			       : root;
	boot = find_boot(wish->out, needed);
	errno = 0;
	if (!boot)
		return NULL;
	return boot == wish->out ? strdup("./") : strndup(wish->out, (size_t)(boot - wish->out));
}

/* needed is a path that ROOT must have, or NULL. */
static int open_root(const struct sysroot_wish *wish, const char *needed,
	const struct reporter *reporter, struct sysroot *sysroot)
{
	sysroot->root = find_root(wish, needed);
	if (!sysroot->root && !errno)
		return 0;
	if (sysroot->root)
		sysroot->root_fd = open(sysroot->root, DIRECTORY);
	if (sysroot->root_fd < 0)
		return failed(
			reporter, "sysroot", sysroot->root ? sysroot->root : wish->out, -errno);
	return 0;
}

/* Opens a directory in ROOT. If it is missing, *ret_fd does not change. */
static int open_in_root(const struct sysroot *sysroot, const char *path,
	const struct reporter *reporter, int *ret_fd)
{
	int fd = open_beneath(sysroot->root_fd, path);
	char *shown;

	if (fd >= 0)
		*ret_fd = fd;
	if (fd >= 0 || fd == -ENOENT)
		return 0;
	if (asprintf(&shown, "%s%s", sysroot->root, path) < 0)
		shown = NULL;
	(void)failed(reporter, "directory", shown ? shown : path, fd);
	free(shown);
	return -1;
}

/* instead is another option that would do. */
static int need_root(const struct sysroot_wish *wish, const char *instead,
	const struct reporter *reporter, const struct sysroot *sysroot)
{
	if (sysroot->root_fd >= 0)
		return 0;
	report(reporter, REPORT_ERROR,
		"%s has no /boot/ in it, so the sysroot is not known: use --root, or %s", wish->out,
		instead);
	return -1;
}

/* Sets which loader.B libostree has just written, "0" or "1"; NULL outside its hook. */
static int find_hook_version(const struct reporter *reporter, const char **ret_version)
{
	const char *version = *ret_version = getenv(BOOT_VERSION);

	if (!version || !strcmp(version, "0") || !strcmp(version, "1"))
		return 0;
	report(reporter, REPORT_ERROR,
		BOOT_VERSION " is neither 0 nor 1; unset it to call this by hand");
	return -1;
}

/* Sets the name of the entries' directory, from two parts. */
static int name_entries(struct sysroot *sysroot, const char *above, const char *path)
{
	if (asprintf(&sysroot->entries, "%s%s", above, path) >= 0)
		return 0;
	sysroot->entries = NULL;
	return -ENOMEM;
}

/* Opens entries/ beside the output. No symlink leads out: the output may be in another tree. */
static int open_beside(const struct sysroot_wish *wish, struct sysroot *sysroot)
{
	char *dir = output_directory(wish->out), located[PATH_MAX];
	int err =
		dir ? name_entries(sysroot, strchr(wish->out, '/') ? dir : "", "entries") : -ENOMEM;
	int dir_fd = AT_FDCWD;

	free(dir);
	if (!err)
		err = sysroot_locate(sysroot, sysroot->entries, &dir_fd, located);
	if (!err && dir_fd == AT_FDCWD) {
		dir_fd = sysroot->out_fd;
		err = path_resolve(dir_fd, "entries", PATH_BENEATH, located);
	}
	return open_resolved(err, dir_fd, located);
}

static int open_entries(const struct sysroot_wish *wish, const char *hook_entries,
	const struct reporter *reporter, struct sysroot *sysroot)
{
	int fd;

	if (wish->entries) {
		fd = name_entries(sysroot, "", wish->entries);
		fd = fd < 0 ? fd : open_named(sysroot, wish->entries);
	} else if (hook_entries) {
		fd = name_entries(sysroot, sysroot->root, hook_entries);
		fd = fd < 0 ? fd : open_beneath(sysroot->root_fd, hook_entries);
	} else if (sysroot->out_fd < 0) {
		report(reporter, REPORT_ERROR,
			"standard output has no entries beside it: use --entries");
		return -1;
	} else {
		fd = open_beside(wish, sysroot);
	}
	if (fd < 0) {
		report(reporter, REPORT_ERROR,
			"the directory of entries %s cannot be opened (%s): use --entries",
			sysroot->entries ? sysroot->entries : wish->out, sysroot_why(fd));
		return -1;
	}
	sysroot->entries_fd = fd;
	return 0;
}

static bool has_loaders(int boot_fd)
{
	return faccessat(boot_fd, "loader.0/entries", F_OK, 0) == 0 ||
	       faccessat(boot_fd, "loader.1/entries", F_OK, 0) == 0;
}

/* A control character could end a line of the menu, and a loader's path has none. */
static bool has_control(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == 0x7f)
			return true;
	return false;
}

/* 1 if ROOT/boot/loader is a symlink, 0 if it is a directory, -1 with the reason reported. */
static int has_symlink(const struct sysroot *sysroot, const struct reporter *reporter)
{
	struct stat st;
	int err = -1;

	errno = ENOENT;
	if (sysroot->boot_fd >= 0)
		err = fstatat(sysroot->boot_fd, "loader", &st, AT_SYMLINK_NOFOLLOW);
	/* libostree makes its symlink only at the end of a first deployment. */
	if (err < 0 && errno == ENOENT &&
		(reporter->hook || (sysroot->boot_fd >= 0 && has_loaders(sysroot->boot_fd))))
		return 1;
	if (err == 0 && (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode)))
		return S_ISLNK(st.st_mode);
	report(reporter, REPORT_ERROR,
		"%sboot/loader is neither a symlink nor a directory: use --boot-prefix to set the prefix of the paths in the entries",
		sysroot->root);
	return -1;
}

/* path comes from the mount table and may be NULL. With libostree's symlink boot in it, "/boot" is
 * right for a /boot of its own too. */
static char *make_prefix(const char *path, bool symlink)
{
	const char *last = path ? strrchr(path, '/') : NULL;
	char *prefix;

	if (!symlink)
		return strdup(path && strcmp(path, "/boot") != 0 ? path : "");
	if (!path || (last && !strcmp(last, "/boot")))
		return strdup(path ? path : "/boot");
	return asprintf(&prefix, "%s/boot", path) < 0 ? NULL : prefix;
}

static char *auto_prefix(
	const struct sysroot_wish *wish, const struct reporter *reporter, struct sysroot *sysroot)
{
	char *path = NULL, *prefix = NULL;
	int symlink;

	if (need_root(wish, "--boot-prefix to set the prefix of the paths in the entries", reporter,
		    sysroot) < 0)
		return NULL;
	symlink = has_symlink(sysroot, reporter);
	if (symlink < 0)
		return NULL;
	/* Without /proc, as in a chroot, there is no mount table. */
	if (sysroot->boot_fd >= 0)
		(void)bootfs_path(sysroot->boot_fd, &path);
	if (path && has_control(path)) {
		report(reporter, REPORT_ERROR,
			"%sboot is in a subvolume with a control character in its name, which no boot loader's menu can have: rename the subvolume",
			sysroot->root);
	} else {
		prefix = make_prefix(path, symlink);
		if (!prefix)
			report(reporter, REPORT_ERROR, NO_MEMORY);
	}
	free(path);
	return prefix;
}

static int find_prefix(
	const struct sysroot_wish *wish, const struct reporter *reporter, struct sysroot *sysroot)
{
	const char *prefix = wish->prefix, *partition = getenv("OSTREE_BOOT_PARTITION");
	size_t length;

	if (!strcmp(prefix, "auto") && partition) {
		if ((*partition && *partition != '/') || has_control(partition)) {
			report(reporter, REPORT_ERROR,
				"OSTREE_BOOT_PARTITION is %s, not an absolute path without control characters; if it is empty, there is no prefix",
				partition);
			return -1;
		}
		prefix = partition;
	}
	if (!strcmp(prefix, "auto")) {
		sysroot->prefix = auto_prefix(wish, reporter, sysroot);
		return sysroot->prefix ? 0 : -1;
	}
	length = strcmp(prefix, "none") ? strlen(prefix) : 0;
	while (length && prefix[length - 1] == '/')
		length--;
	sysroot->prefix = strndup(prefix, length);
	if (sysroot->prefix)
		return 0;
	report(reporter, REPORT_ERROR, NO_MEMORY);
	return -1;
}

bool sysroot_wish_valid(const struct sysroot_wish *wish, const struct reporter *reporter)
{
	const char *what = NULL, *which = "";

	if (!wish->out) {
		what = "-o FILE is missing";
	} else if (!*wish->out) {
		what = "-o needs the name of a file";
	} else if ((wish->prefix[0] != '/' && strcmp(wish->prefix, "auto") != 0 &&
			   strcmp(wish->prefix, "none") != 0) ||
		   has_control(wish->prefix)) {
		what = "--boot-prefix is auto, none or an absolute path without control characters, not ";
		which = wish->prefix;
	} else if (wish->root && !*wish->root) {
		what = "--root needs the name of a directory";
	}
	if (what)
		(void)args_usage(reporter, what, which);
	return !what;
}

int sysroot_open(const struct sysroot_wish *wish, const struct reporter *reporter,
	struct sysroot *ret_sysroot)
{
	char loader[] = "boot/loader.N", entries[] = "boot/loader.N/entries";
	const char *version, *hook_entries;

	*ret_sysroot = nothing;
	if (find_hook_version(reporter, &version) < 0)
		return -1;
	if (version)
		*strchr(loader, 'N') = *strchr(entries, 'N') = *version;
	hook_entries = version ? entries : NULL;
	if (open_root(wish, hook_entries, reporter, ret_sysroot) < 0 ||
		open_output(wish->out, reporter, ret_sysroot) < 0)
		return -1;
	if (hook_entries && !wish->entries &&
		need_root(wish, "--entries and --boot-prefix", reporter, ret_sysroot) < 0)
		return -1;
	if (open_entries(wish, hook_entries, reporter, ret_sysroot) < 0)
		return -1;
	if (ret_sysroot->root_fd >= 0 &&
		(open_in_root(ret_sysroot, "boot", reporter, &ret_sysroot->boot_fd) < 0 ||
			(version && open_in_root(ret_sysroot, loader, reporter,
					    &ret_sysroot->loader_fd) < 0)))
		return -1;
	return find_prefix(wish, reporter, ret_sysroot);
}

/* True if path in ROOT leads to the directory that st describes. */
static bool leads_to(int root_fd, const char *path, const struct stat *st)
{
	char resolved[PATH_MAX];
	struct stat found;

	return resolve(root_fd, path, resolved) == 0 &&
	       fstatat(root_fd, resolved, &found, AT_SYMLINK_NOFOLLOW) == 0 && is_same(&found, st);
}

bool sysroot_is_live(const struct sysroot *sysroot, int dir_fd)
{
	struct stat dir;
	char path[PATH_MAX];

	/* If loader leads nowhere, the loader may read any of them. */
	if (sysroot->root_fd < 0 || fstat(dir_fd, &dir) < 0 ||
		resolve(sysroot->root_fd, BOOT "loader", path) < 0 ||
		leads_to(sysroot->root_fd, BOOT "loader", &dir))
		return true;
	return !leads_to(sysroot->root_fd, BOOT "loader.0", &dir) &&
	       !leads_to(sysroot->root_fd, BOOT "loader.1", &dir);
}

void sysroot_close(struct sysroot *sysroot)
{
	const int fds[] = { sysroot->root_fd, sysroot->boot_fd, sysroot->loader_fd,
		sysroot->entries_fd, sysroot->out_fd };

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(sysroot->root);
	free(sysroot->entries);
	free(sysroot->out_name);
	free(sysroot->prefix);
	*sysroot = nothing;
}
