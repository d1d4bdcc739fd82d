/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows the warnings of bls/check/bootfs-limits.h about a file system: "grub TYPE DEVICE BOOT" and
 * "uboot TYPE DEVICE BOOT" print a line for each.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "bls/check/bootfs-limits.h"
#include "grub/loader.h"
#include "uboot/loader.h"

int main(int argc, char *argv[])
{
	struct findings findings = { 0 };
	struct sysroot sysroot = { .root = "/" };
	struct bootfs bootfs = { 0 };

	if (argc != 5)
		return 2;
	bootfs.type = argv[2];
	bootfs.device = argv[3];
	sysroot.boot_fd = open(argv[4], O_PATH | O_DIRECTORY | O_CLOEXEC);
	bootfs_limits_check(&sysroot, &bootfs,
		strcmp(argv[1], "grub") != 0 ? &uboot_loader : &grub_loader, &findings);
	for (size_t i = 0; i < findings.count; i++)
		printf("%s; %s\n", findings.list[i]->what, findings.list[i]->remedy);
	return findings.failed;
}
