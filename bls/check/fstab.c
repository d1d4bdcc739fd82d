/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/fstab.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bls/deployment.h"
#include "prepare-root/path.h"

static const struct finding_kind fstab_directory = { "fstab-directory", FINDINGS_ERROR, false };
static const struct finding_kind fstab_root = { "fstab-root", FINDINGS_WARNING, false };
static const struct finding_kind fstab_var = { "fstab-var", FINDINGS_WARNING, false };

enum { FILE_SIZE_MAX = 65536 };

/* True for a directory in which the booted system can make others. */
static bool is_writable(const char *path)
{
	static const char *const tops[] = { "var", "etc", "run", "tmp", "dev", "proc", "sys" };
	size_t length = strcspn(path, "/");

	for (size_t i = 0; i < sizeof tops / sizeof *tops; i++)
		if (path[length] && length == strlen(tops[i]) && !strncmp(path, tops[i], length))
			return true;
	return false;
}

static void check_directory(
	const struct subject *subject, int deployment_fd, struct libmnt_fs *line)
{
	const char *target = mnt_fs_get_target(line), *source = mnt_fs_get_source(line);
	char *value, path[PATH_MAX];
	size_t size;

	if (mnt_fs_get_option(line, "nofail", &value, &size) == 0 ||
		mnt_fs_get_option(line, "noauto", &value, &size) == 0 ||
		path_resolve(deployment_fd, target, PATH_IN_ROOT, path) != -ENOENT ||
		is_writable(path))
		return;
	findings_add(subject->findings, &fstab_directory, subject_options(subject),
		"the deployment's /etc/fstab mounts %s on %s, a directory that the tree does not have and that cannot be made at boot",
		source ? source : "something", target);
	findings_remedy(subject->findings,
		"add the directory to the tree, mount it below /var, or add nofail to the line");
}

static void check_root(const struct subject *subject, struct libmnt_fs *line, const char *root)
{
	static const char uuid[] = "UUID=";
	const char *source = mnt_fs_get_source(line);

	if (!source || !root || strncmp(source, uuid, strlen(uuid)) != 0 ||
		strncmp(root, uuid, strlen(uuid)) != 0 || !strcasecmp(source, root))
		return;
	findings_add(subject->findings, &fstab_root, subject_options(subject),
		"the deployment's /etc/fstab has %s for /, and the options have root=%s", source,
		root);
	findings_remedy(subject->findings, "correct one of them");
}

static void check_line(
	const struct subject *subject, int deployment_fd, struct libmnt_fs *line, const char *root)
{
	const char *target = mnt_fs_get_target(line);

	if (!target || *target != '/' || mnt_fs_is_swaparea(line))
		return;
	if (!strcmp(target, "/")) {
		check_root(subject, line, root);
		return;
	}
	check_directory(subject, deployment_fd, line);
	if (strcmp(target, "/var") != 0)
		return;
	findings_add(subject->findings, &fstab_var, subject_options(subject),
		"the deployment's /etc/fstab mounts its own /var, so the stateroot's is not used");
	findings_remedy(subject->findings, "remove the line, unless this is meant");
}

static void check_table(
	const struct subject *subject, int deployment_fd, struct text *text, const char *root)
{
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	FILE *file = fmemopen(text->bytes, text->size, "r");
	struct libmnt_fs *line;

	subject->findings->failed |= !table || !iter || !file;
	if (table && iter && file && mnt_table_parse_stream(table, file, "fstab") >= 0)
		while (mnt_table_next_fs(table, iter, &line) == 0)
			check_line(subject, deployment_fd, line, root);
	if (file)
		(void)fclose(file);
	mnt_free_iter(iter);
	mnt_unref_table(table);
}

void fstab_check(struct subject *subject, int deployment_fd, const char *root)
{
	struct text text = { 0 };

	if (deployment_read(deployment_fd, "etc/fstab", FILE_SIZE_MAX, &text) == 0 && text.size)
		check_table(subject, deployment_fd, &text, root);
	text_free(&text);
}
