/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/otherloader.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "bls/directory.h"
#include "bls/file.h"
#include "bls/text.h"
#include "prepare-root/path.h"

enum { FILE_SIZE_MAX = 1 << 20 };

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

struct esp {
	int root_fd;
	const char *path; /* of its directory EFI */
};

/* Returns 1 if a vendor's directory has such a loader. */
static int look(void *context, int dir_fd, const char *vendor)
{
	const struct esp *esp = context;
	char path[PATH_MAX];

	(void)dir_fd;
	if (vendor[0] == '.')
		return 0;
	return !strcasecmp(vendor, "systemd") ||
	       (snprintf(path, sizeof path, "%s/%s/grub.cfg", esp->path, vendor) < PATH_MAX &&
		       reads_entries(esp->root_fd, path));
}

static bool is_on_esp(int root_fd, const char *path)
{
	struct esp esp = { root_fd, path };
	char resolved[PATH_MAX];
	int fd, found;

	if (path_resolve(root_fd, path, PATH_IN_ROOT, resolved) < 0)
		return false;
	fd = path_open(root_fd, resolved, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return false;
	found = directory_each(fd, look, &esp);
	close(fd);
	return found > 0;
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
