/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/otherloader.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bls/file.h"
#include "bls/text.h"
#include "prepare-root/path.h"

enum { FILE_SIZE_MAX = 1 << 20 };

/* Opens a directory of the sysroot, or NULL. */
static DIR *open_directory(int root_fd, const char *path)
{
	char resolved[PATH_MAX];
	int fd = path_resolve(root_fd, path, PATH_IN_ROOT, resolved);
	DIR *dir;

	if (fd >= 0)
		fd = openat(root_fd, resolved, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool reads_entries(int root_fd, const char *path)
{
	char resolved[PATH_MAX];
	struct text text = { 0 };
	bool found;

	if (path_resolve(root_fd, path, PATH_IN_ROOT, resolved) >= 0)
		(void)file_add(root_fd, resolved, FILE_SIZE_MAX, &text);
	found = text.size && (memmem(text.bytes, text.size, "blscfg", strlen("blscfg")) ||
				     memmem(text.bytes, text.size, "ostree=", strlen("ostree=")));
	text_free(&text);
	return found;
}

/* Looks into the directories of all vendors on an EFI system partition. */
static bool is_on_esp(int root_fd, const char *esp)
{
	DIR *dir = open_directory(root_fd, esp);
	const struct dirent *vendor;
	bool found = false;

	while (dir && !found && (vendor = readdir(dir))) {
		char path[PATH_MAX];

		if (vendor->d_name[0] == '.')
			continue;
		found = !strcasecmp(vendor->d_name, "systemd");
		if (!found && snprintf(path, sizeof path, "%s/%s/grub.cfg", esp, vendor->d_name) <
				      PATH_MAX)
			found = reads_entries(root_fd, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool otherloader_is_there(int root_fd)
{
	char resolved[PATH_MAX];

	return reads_entries(root_fd, "boot/grub/grub.cfg") ||
	       reads_entries(root_fd, "boot/grub2/grub.cfg") ||
	       is_on_esp(root_fd, "boot/efi/EFI") || is_on_esp(root_fd, "boot/EFI") ||
	       is_on_esp(root_fd, "efi/EFI") ||
	       path_resolve(root_fd, "boot/loader/syslinux.cfg", PATH_IN_ROOT, resolved) >= 0;
}
