/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/check/otherloader.h"

#include <string.h>

#include "bls/check/grubdir.h"
#include "bls/text.h"
#include "prepare-root/path.h"

static int reads_entries(void *context, const char *path, const struct text *text)
{
	(void)context, (void)path;
	return memmem(text->bytes, text->size, "blscfg", strlen("blscfg")) ||
	       memmem(text->bytes, text->size, "ostree=", strlen("ostree="));
}

bool otherloader_is_there(int root_fd)
{
	static const char *const paths[] = { "boot/efi/EFI/systemd", "boot/EFI/systemd",
		"efi/EFI/systemd", "boot/loader/syslinux.cfg" };
	char resolved[PATH_MAX];

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (path_resolve(root_fd, paths[i], PATH_IN_ROOT, resolved) >= 0)
			return true;
	return grubdir_each(root_fd, reads_entries, NULL);
}
