/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bls/bootpath.h"
#include "bls/check/modules.h"
#include "bls/directory.h"
#include "prepare-root/path.h"

static const struct finding_kind file_differs = { "file-differs", FINDINGS_ERROR, false };

#define MODULES "usr/lib/modules"

/* Returns 0 for anything that is not a regular file. */
static off_t size_of(int dir_fd, const char *path, enum path_rule rule)
{
	char resolved[PATH_MAX];
	struct stat st;

	if (path_resolve(dir_fd, path, rule, resolved) < 0 ||
		fstatat(dir_fd, resolved, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return st.st_size;
}

/* Where libostree looked for kernels before there were those in usr/lib/modules. */
static int find_older(void *context, int dir_fd, const char *name)
{
	(void)context;
	(void)dir_fd;
	return !strncmp(name, "vmlinuz", strlen("vmlinuz")) ? -ENOTUNIQ : 0;
}

/* The release of the only kernel of the tree; NULL if there are several, or none. */
static char *only_release(int tree_fd)
{
	char *release = NULL;

	if (modules_release(tree_fd, "vmlinuz", &release) == 0 &&
		directory_each_in(tree_fd, "usr/lib/ostree-boot", find_older, NULL) == -ENOENT &&
		directory_each_in(tree_fd, "boot", find_older, NULL) != -ENOTUNIQ)
		return release;
	free(release);
	return NULL;
}

/* Returns false if the tree has no such file. */
static bool compare(const struct subject *subject, const struct entry_line *line, int tree_fd,
	const char *release, const char *name)
{
	const char *below;
	char path[PATH_MAX];
	off_t copy, original;

	if (!line)
		return false;
	below = bootpath_below(line->value, subject->sysroot->prefix);
	below += strspn(below, "/");
	if (strncmp(below, "ostree/", strlen("ostree/")) != 0 ||
		snprintf(path, sizeof path, MODULES "/%s/%s", release, name) >= PATH_MAX)
		return false;
	copy = size_of(subject->sysroot->boot_fd, below, PATH_BENEATH);
	original = size_of(tree_fd, path, PATH_IN_ROOT);
	if (!copy || !original || copy == original)
		return original != 0;
	findings_add(subject->findings, &file_differs, subject_place(subject, line->number),
		"%s: %s has %jd bytes, but %s of the deployment, of which it is a copy, %jd",
		line->name, line->value, (intmax_t)copy, path, (intmax_t)original);
	findings_remedy(subject->findings, "copy it again");
	return true;
}

void copies_check(const struct subject *subject)
{
	const struct entry *entry = subject->entry;
	const int tree_fd = subject->tree_fd;
	char *release;

	if (!subject->item->libostree || tree_fd < 0)
		return;
	release = only_release(tree_fd);
	if (release) {
		const struct entry_line *initrd = entry_next(entry, ENTRY_INITRD, NULL);

		(void)compare(subject, entry->last[ENTRY_LINUX], tree_fd, release, "vmlinuz");
		/* libostree takes the first of them. */
		if (!compare(subject, initrd, tree_fd, release, "initramfs.img"))
			(void)compare(subject, initrd, tree_fd, release, "initramfs");
	}
	free(release);
}
