/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/place.h"

#include "bls/args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT "boot/"
#define BOOT_VERSION "_OSTREE_GRUB2_BOOTVERSION"

static int failed(const struct reporter *reporter, const char *what, const char *path)
{
	report(reporter, REPORT_ERROR, "the %s %s cannot be opened: %s", what, path,
		strerror(errno));
	return -1;
}

static int open_directory(int dir_fd, const char *path)
{
	return openat(dir_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Splits the output's name into an open directory and a name in it. */
static int open_output(const char *out, const struct reporter *reporter, struct place *place)
{
	const char *slash = strrchr(out, '/');
	const char *name = slash ? slash + 1 : out;
	char *dir;

	place->out = out;
	if (!*name || !strcmp(name, ".") || !strcmp(name, "..")) {
		report(reporter, REPORT_ERROR, "%s is a directory: -o needs the name of a file",
			out);
		return -1;
	}
	dir = slash ? strndup(out, (size_t)(slash - out) + 1) : strdup(".");
	place->out_name = strdup(name);
	if (dir && place->out_name)
		place->out_fd = open_directory(AT_FDCWD, dir);
	if (place->out_fd < 0)
		(void)failed(reporter, "directory of the output", dir ? dir : out);
	free(dir);
	return place->out_fd < 0 ? -1 : 0;
}

/* False only when path is not there behind the first length bytes of out: any other trouble is for
 * whoever opens it, and no reason to take another sysroot. */
static bool may_have(const char *out, size_t length, const char *path)
{
	char *whole;
	int fd;

	if (asprintf(&whole, "%.*s%s", (int)length, out, path) < 0)
		return true;
	fd = open_directory(AT_FDCWD, whole);
	free(whole);
	if (fd < 0)
		return errno != ENOENT && errno != ENOTDIR;
	close(fd);
	return true;
}

/* The last boot/ of the output's name, or the last one with needed in its place, if there is one:
 * GRUB's directory on EFI may be called boot too. NULL when there is no boot/ at all. */
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

/* The name of ROOT, with "/" at its end; NULL with errno 0 when the command line does not tell. */
static char *find_root(const struct place_wish *wish, const char *needed)
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

/* needed is a path in ROOT by which it is known, or NULL. */
static int open_root(const struct place_wish *wish, const char *needed,
	const struct reporter *reporter, struct place *place)
{
	place->root = find_root(wish, needed);
	if (!place->root && !errno)
		return 0;
	if (place->root)
		place->root_fd = open_directory(AT_FDCWD, place->root);
	if (place->root_fd < 0)
		return failed(reporter, "sysroot", place->root ? place->root : wish->out);
	return 0;
}

static int need_root(
	const struct place_wish *wish, const struct reporter *reporter, const struct place *place)
{
	if (place->root_fd >= 0)
		return 0;
	report(reporter, REPORT_ERROR,
		"%s has no /boot/ in it that would tell where the system is: use --root",
		wish->out);
	return -1;
}

/* Opens the directory path in dir_fd; below is what messages put before it. */
static int open_entries_in(int dir_fd, const char *below, const char *path,
	const struct reporter *reporter, struct place *place)
{
	if (asprintf(&place->entries, "%s%s", below, path) < 0) {
		place->entries = NULL;
		return failed(reporter, "directory of entries", path);
	}
	place->entries_fd = open_directory(dir_fd, path);
	if (place->entries_fd < 0) {
		report(reporter, REPORT_ERROR,
			"the directory of entries %s cannot be opened (%s): use --entries",
			place->entries, strerror(errno));
		return -1;
	}
	return 0;
}

/* Where libostree has just written entries, as a path in ROOT; NULL when it is not the caller. */
static int find_hook_entries(const struct reporter *reporter, char path[], const char **ret_path)
{
	const char *version = getenv(BOOT_VERSION);

	*ret_path = version ? path : NULL;
	if (!version)
		return 0;
	if (strcmp(version, "0") != 0 && strcmp(version, "1") != 0) {
		report(reporter, REPORT_ERROR,
			BOOT_VERSION " is neither 0 nor 1; unset it to call this by hand");
		return -1;
	}
	*strchr(path, 'N') = version[0];
	return 0;
}

static int open_entries(const struct place_wish *wish, const char *hook_entries,
	const struct reporter *reporter, struct place *place)
{
	size_t dir_length = strlen(wish->out);
	char *dir;
	int r;

	if (wish->entries)
		return open_entries_in(AT_FDCWD, "", wish->entries, reporter, place);
	if (hook_entries)
		return need_root(wish, reporter, place) < 0
			       ? -1
			       : open_entries_in(place->root_fd, place->root, hook_entries,
					 reporter, place);
	if (place->out_fd < 0) {
		report(reporter, REPORT_ERROR,
			"nothing stands beside standard output: use --entries to say where the "
			"entries are");
		return -1;
	}
	while (dir_length && wish->out[dir_length - 1] != '/')
		dir_length--;
	dir = strndup(wish->out, dir_length);
	if (!dir)
		return failed(reporter, "directory of entries", wish->out);
	r = open_entries_in(place->out_fd, dir, "entries", reporter, place);
	free(dir);
	return r;
}

static bool has_loaders(int root_fd)
{
	return faccessat(root_fd, BOOT "loader.0/entries", F_OK, 0) == 0 ||
	       faccessat(root_fd, BOOT "loader.1/entries", F_OK, 0) == 0;
}

static char *auto_prefix(
	const struct place_wish *wish, const struct reporter *reporter, struct place *place)
{
	struct stat st;
	int r;

	if (need_root(wish, reporter, place) < 0)
		return NULL;
	r = fstatat(place->root_fd, BOOT "loader", &st, AT_SYMLINK_NOFOLLOW);
	/* At a first deployment, and after one that failed, libostree has not made its symlink. */
	if (r < 0 && errno == ENOENT && (reporter->hook || has_loaders(place->root_fd)))
		return strdup("/boot");
	if (r == 0 && (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode)))
		return strdup(S_ISLNK(st.st_mode) ? "/boot" : "");
	report(reporter, REPORT_ERROR,
		"%sboot/loader is neither a symlink nor a directory: use --boot-prefix to say what "
		"stands before the paths of the entries",
		place->root);
	return NULL;
}

static int find_prefix(
	const struct place_wish *wish, const struct reporter *reporter, struct place *place)
{
	const char *prefix = wish->prefix, *partition = getenv("OSTREE_BOOT_PARTITION");
	size_t length;

	if (!strcmp(prefix, "auto") && partition) {
		if (*partition && *partition != '/') {
			report(reporter, REPORT_ERROR,
				"OSTREE_BOOT_PARTITION is not a path from / on, but %s; set and "
				"empty it means no prefix",
				partition);
			return -1;
		}
		prefix = partition;
	}
	if (!strcmp(prefix, "auto")) {
		place->prefix = auto_prefix(wish, reporter, place);
		return place->prefix ? 0 : -1;
	}
	length = strcmp(prefix, "none") ? strlen(prefix) : 0;
	while (length && prefix[length - 1] == '/')
		length--;
	place->prefix = strndup(prefix, length);
	if (place->prefix)
		return 0;
	report(reporter, REPORT_ERROR, "there is not enough memory for the prefix");
	return -1;
}

bool place_wish_valid(const struct place_wish *wish, const struct reporter *reporter)
{
	const char *what = NULL, *which = "";

	if (!wish->out) {
		what = "-o FILE is missing";
	} else if (!*wish->out) {
		what = "-o needs the name of a file";
	} else if (wish->prefix[0] != '/' && strcmp(wish->prefix, "auto") != 0 &&
		   strcmp(wish->prefix, "none") != 0) {
		what = "--boot-prefix is auto, none or a path from / on, not ";
		which = wish->prefix;
	} else if (wish->root && !*wish->root) {
		what = "--root needs the name of a directory";
	}
	if (what)
		(void)args_usage(reporter, what, which);
	return !what;
}

int place_find(
	const struct place_wish *wish, const struct reporter *reporter, struct place *ret_place)
{
	char path[] = "boot/loader.N/entries";
	const char *hook_entries;

	*ret_place = (struct place){ .entries_fd = -1, .out_fd = -1, .root_fd = -1 };
	if (strcmp(wish->out, "-") != 0 && open_output(wish->out, reporter, ret_place) < 0)
		return -1;
	if (find_hook_entries(reporter, path, &hook_entries) < 0)
		return -1;
	if (open_root(wish, hook_entries, reporter, ret_place) < 0)
		return -1;
	if (open_entries(wish, hook_entries, reporter, ret_place) < 0)
		return -1;
	return find_prefix(wish, reporter, ret_place);
}

const char *place_below(const char *path, const char *prefix)
{
	size_t length = strlen(prefix);

	return !strncmp(path, prefix, length) && path[length] == '/' ? path + length : path;
}

static bool is_same(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

bool place_is_live(const struct place *place, int dir_fd)
{
	struct stat dir, loader, slot;

	if (place->root_fd < 0 || fstat(dir_fd, &dir) < 0 ||
		fstatat(place->root_fd, BOOT "loader", &loader, 0) < 0 || is_same(&dir, &loader))
		return true;
	return !(fstatat(place->root_fd, BOOT "loader.0", &slot, 0) == 0 && is_same(&dir, &slot)) &&
	       !(fstatat(place->root_fd, BOOT "loader.1", &slot, 0) == 0 && is_same(&dir, &slot));
}

void place_close(struct place *place)
{
	if (place->entries_fd >= 0)
		close(place->entries_fd);
	if (place->out_fd >= 0)
		close(place->out_fd);
	if (place->root_fd >= 0)
		close(place->root_fd);
	free(place->entries);
	free(place->out_name);
	free(place->prefix);
	free(place->root);
	*place = (struct place){ .entries_fd = -1, .out_fd = -1, .root_fd = -1 };
}
