/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/fstab.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bls/file.h"
#include "prepare-root/path.h"

static const struct finding_kind fstab_directory = { "fstab-directory", FINDINGS_ERROR, false };
static const struct finding_kind fstab_root = { "fstab-root", FINDINGS_WARNING, false };
static const struct finding_kind fstab_var = { "fstab-var", FINDINGS_WARNING, false };

enum { FILE_SIZE_MAX = 65536 };

/* One fstab, and what is known of the tree. */
struct look {
	const struct subject *subject;
	const struct facts *facts;
	struct libmnt_table *table;
	int deployment_fd;
	bool judged; /* whether a missing directory stops the boot */
};

static bool has_option(struct libmnt_fs *line, const char *name)
{
	char *value;
	size_t size;

	return mnt_fs_get_option(line, name, &value, &size) == 0;
}

/* True for a path below top; both without "/" at their beginning. */
static bool is_below(const char *path, const char *top)
{
	size_t length = strlen(top);

	return path[length] == '/' && !strncmp(path, top, length);
}

/* True for a directory in which the booted system can make others, or which systemd does not take
 * from fstab. */
static bool is_writable(const struct look *look, const char *path)
{
	static const char *const tops[] = { "var", "etc", "run", "tmp", "dev", "proc", "sys",
		"sysroot" };

	if (!strcmp(path, "proc") || !strcmp(path, "sys"))
		return true;
	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (is_below(path, tops[i]))
			return true;
	return (*look->facts->boot && is_below(path, "boot")) ||
	       (look->facts->hotfix && is_below(path, "usr"));
}

/* True if the tree has a unit for a mount on the first length bytes of path: it counts more than
 * fstab (systemd.unit(5)), or mounts something that can be written to. */
static bool has_unit(int deployment_fd, const char *path, size_t length)
{
	static const char *const folders[] = { "etc/systemd/system/", "usr/lib/systemd/system/",
		"lib/systemd/system/" };
	char unit[PATH_MAX], file[PATH_MAX], resolved[PATH_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < length && used < sizeof unit - 16; i++)
		if (path[i] == '-')
			used += (size_t)sprintf(unit + used, "\\x2d");
		else
			unit[used++] = (char)(path[i] == '/' ? '-' : path[i]);
	unit[used] = '\0';
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		if (snprintf(file, sizeof file, "%s%s.mount", folders[i], unit) >= PATH_MAX)
			continue;
		/* A masked one leads to /dev/null, which the tree need not have. */
		if (path_resolve(deployment_fd, file, PATH_IN_ROOT, resolved) >= 0 ||
			!strcmp(resolved, "dev/null"))
			return true;
	}
	return false;
}

/* True if another line mounts the first length bytes of path. */
static bool has_line(const struct look *look, const char *path, size_t length)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *line;
	bool found = false;

	look->subject->findings->failed |= !iter;
	while (iter && !found && mnt_table_next_fs(look->table, iter, &line) == 0) {
		const char *target = mnt_fs_get_target(line);
		char resolved[PATH_MAX];

		found = target && !has_option(line, "noauto") &&
			(path_resolve(look->deployment_fd, target, PATH_IN_ROOT, resolved) >= 0) &&
			strlen(resolved) == length && !memcmp(resolved, path, length);
	}
	mnt_free_iter(iter);
	return found;
}

/* True if something else is mounted on a directory above path, or the tree has a unit for path. */
static bool is_mounted(const struct look *look, const char *path)
{
	path += strspn(path, "/");
	for (size_t length = 1; path[length - 1]; length++) {
		if (path[length] && path[length] != '/')
			continue;
		if (has_unit(look->deployment_fd, path, length) ||
			(path[length] && has_line(look, path, length)))
			return true;
	}
	return false;
}

static void check_directory(const struct look *look, struct libmnt_fs *line)
{
	const char *target = mnt_fs_get_target(line), *source = mnt_fs_get_source(line);
	const struct subject *subject = look->subject;
	char path[PATH_MAX];

	/* remote-fs.target, which network file systems belong to, may fail. */
	if (!look->judged || has_option(line, "nofail") || has_option(line, "noauto") ||
		has_option(line, "_netdev") || has_option(line, "x-systemd.wanted-by") ||
		has_option(line, "x-systemd.required-by") || mnt_fs_is_netfs(line) ||
		path_resolve(look->deployment_fd, target, PATH_IN_ROOT, path) != -ENOENT ||
		is_writable(look, path) || is_mounted(look, path) || is_mounted(look, target))
		return;
	findings_add(subject->findings, &fstab_directory, subject_options(subject),
		"the deployment's /etc/fstab mounts %s on %s, a directory that the tree does not have and that cannot be made at boot",
		source ? source : "something", target);
	findings_remedy(subject->findings,
		"add the directory to the tree, mount it below /var, or add nofail to the line");
}

/* root= and the line for / may name the same kind of tag. */
static void check_root(const struct subject *subject, struct libmnt_fs *line, const char *root)
{
	static const struct {
		const char *name;
		bool any_case;
	} tags[] = { { "UUID", true }, { "PARTUUID", true }, { "LABEL", false },
		{ "PARTLABEL", false } };
	const char *name, *value, *equals = root ? strchr(root, '=') : NULL;

	if (!equals || mnt_fs_get_tag(line, &name, &value) != 0)
		return;
	for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
		size_t length = strlen(tags[i].name);

		/* With a backslash or an offset the readers of root= differ. */
		if (strcmp(name, tags[i].name) != 0 || (size_t)(equals - root) != length ||
			memcmp(root, name, length) != 0 || strpbrk(equals, "\\/") ||
			!(tags[i].any_case ? strcasecmp(value, equals + 1)
					   : strcmp(value, equals + 1)))
			continue;
		findings_add(subject->findings, &fstab_root, subject_options(subject),
			"the deployment's /etc/fstab has %s=%s for /, and the options have root=%s",
			name, value, root);
		findings_remedy(subject->findings, "correct one of them");
	}
}

static void check_line(const struct look *look, struct libmnt_fs *line, const char *root)
{
	const struct subject *subject = look->subject;
	const char *target = mnt_fs_get_target(line);

	if (!target || *target != '/' || mnt_fs_is_swaparea(line))
		return;
	if (!strcmp(target, "/")) {
		check_root(subject, line, root);
		return;
	}
	check_directory(look, line);
	if (strcmp(target, "/var") != 0)
		return;
	findings_add(subject->findings, &fstab_var, subject_options(subject),
		"the deployment's /etc/fstab mounts its own /var, so the stateroot's is not used");
	findings_remedy(subject->findings, "remove the line, unless this is meant");
}

static bool is_systemd(int deployment_fd, const char *init)
{
	char path[PATH_MAX];

	return path_resolve(deployment_fd, init, PATH_IN_ROOT, path) >= 0 &&
	       (!strcmp(path, "usr/lib/systemd/systemd") || !strcmp(path, "lib/systemd/systemd"));
}

/* True if a word of the command line may have systemd ignore fstab, or mount or mask something else. */
static bool has_words(const struct cmdline *cmdline)
{
	static const char *const names[] = { "fstab", "systemd.mount-extra", "systemd.mask",
		"systemd.volatile" };

	for (size_t i = 0; i < cmdline->count; i++)
		for (size_t j = 0; j < sizeof names / sizeof *names; j++)
			if (!strcmp(cmdline->words[i].name, names[j]))
				return true;
	return false;
}

/* True if the deployment's root is writable, so that any directory can be made in it: libostree
 * could not make it immutable, and either "rw" or the line for / mounts it so. */
static bool is_mutable(const struct look *look)
{
	struct libmnt_fs *line = mnt_table_find_target(look->table, "/", MNT_ITER_FORWARD);
	bool writable = line && !has_option(line, "ro");
	int flags = 0;

	for (size_t i = 0; i < look->subject->cmdline->count; i++)
		writable |= !strcmp(look->subject->cmdline->words[i].name, "rw");
	/* The C libraries differ in the type of a request. */
	return writable && (syscall(SYS_ioctl, look->deployment_fd, FS_IOC_GETFLAGS, &flags) < 0 ||
				   !(flags & FS_IMMUTABLE_FL));
}

static void check_table(struct look *look, struct text *text, const char *root)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	FILE *file = fmemopen(text->bytes, text->size, "r");
	struct libmnt_fs *line;

	look->subject->findings->failed |= !iter || !file;
	if (iter && file && mnt_table_parse_stream(look->table, file, "fstab") >= 0) {
		look->judged = is_systemd(look->deployment_fd, look->facts->init) &&
			       !has_words(look->subject->cmdline) && !is_mutable(look);
		while (mnt_table_next_fs(look->table, iter, &line) == 0)
			check_line(look, line, root);
	}
	if (file)
		(void)fclose(file);
	mnt_free_iter(iter);
}

void fstab_check(
	struct subject *subject, int deployment_fd, const struct facts *facts, const char *root)
{
	struct look look = { subject, facts, mnt_new_table(), deployment_fd, false };
	struct text text = { 0 };

	subject->findings->failed |= !look.table;
	if (look.table && file_add_in(deployment_fd, "etc/fstab", FILE_SIZE_MAX, &text) == 0 &&
		text.size)
		check_table(&look, &text, root);
	text_free(&text);
	mnt_unref_table(look.table);
}
