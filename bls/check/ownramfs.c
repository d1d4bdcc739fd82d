/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/ownramfs.h"

#include <limits.h>
#include <stdio.h>

#include "bls/bootpath.h"
#include "bls/check/fdt.h"
#include "bls/file.h"
#include "bls/directory.h"

enum { FILE_SIZE_MAX = 1 << 20 };

static const struct finding_kind initramfs_unknown = { "initramfs-unknown", FINDINGS_WARNING,
	false };

/* True if the kernel was built with this configuration, and an initramfs in it. */
static bool has_source(int deployment_fd, const char *path)
{
	static const char word[] = "\nCONFIG_INITRAMFS_SOURCE=\"";
	struct text text = { 0 };
	const char *found = NULL;

	text_add(&text, "\n");
	if (file_add_in(deployment_fd, path, FILE_SIZE_MAX, &text) == 0 && text_string(&text))
		found = strstr(text.bytes, word);
	found = found && found[strlen(word)] != '"' ? found : NULL;
	text_free(&text);
	return found;
}

/* dir_fd is usr/lib/modules, and *context the tree. */
static int take_release(void *context, int dir_fd, const char *name)
{
	const int *deployment_fd = context;
	char path[PATH_MAX];

	(void)dir_fd;
	if (*name == '.')
		return 0;
	if (snprintf(path, sizeof path, "usr/lib/modules/%s/config", name) < PATH_MAX &&
		has_source(*deployment_fd, path))
		return 1;
	return snprintf(path, sizeof path, "boot/config-%s", name) < PATH_MAX &&
	       has_source(*deployment_fd, path);
}

/* True if the configuration of a kernel of the tree names the source of an initramfs. */
static bool is_configured(const struct subject *subject)
{
	return subject->tree_fd >= 0 && directory_each_in(subject->tree_fd, "usr/lib/modules",
						take_release, (void *)&subject->tree_fd) > 0;
}

void ownramfs_check(struct subject *subject)
{
	static const struct initrd unknown = { .maker = INITRD_UNKNOWN,
		.unread = "it comes with the kernel" };
	const struct entry_line *line = subject->entry->last[ENTRY_LINUX];
	int found = 0;

	if (subject->kernel.format == KERNEL_FIT)
		found = fdt_has_ramdisk(subject->sysroot->boot_fd,
			bootpath_below(line->value, subject->sysroot->prefix));
	if (found < 0) {
		findings_add(subject->findings, &initramfs_unknown,
			subject_place(subject, line->number),
			"it is not known whether the kernel %s has an initramfs of its own",
			line->value);
		findings_remedy(subject->findings, "look into it with dumpimage -l");
	}
	if (!found && !is_configured(subject))
		return;
	subject->initrd = &unknown;
	if (found >= 0)
		way_step(subject->way, "The kernel unpacks the initramfs that comes with it.");
}
