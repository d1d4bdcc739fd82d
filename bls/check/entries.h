/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entries: whether the sysroot has what its entries need.
 *
 * A valid entry may still not boot, because one of its files or its deployment is missing, or
 * because nothing will prepare the deployment. The loader does not matter here, and nothing is
 * changed. Each function adds what it finds: an error if an entry does not boot, a warning if there
 * is a risk.
 */
#pragma once

#include "bls/check/subject.h"

/* Checks one entry on its way from the loader to init: its files, what the initramfs has, root=,
 * the deployment, and panic=, because otherwise the kernel hangs forever after a panic. If the
 * entry has an error, only that is found. In a hidden entry only the files are checked. */
void entries_check_item(struct subject *subject);

/* Checks all entries together: names that count as equal, of which GRUB's blscfg shows only one;
 * and whether a loader that does not know libostree's order (systemd-boot) would boot another entry
 * first. */
void entries_check_menu(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings);

/* Checks whether a loader finds the first entry's kernel. In a file system of its own, a path
 * "/boot/..." needs libostree's symlink boot -> . there; in a larger one, the path must begin with
 * that of /boot. Nothing is found if bootfs has no type. */
void entries_check_prefix(const struct sysroot *sysroot, const struct menu *menu,
	const struct bootfs *bootfs, struct findings *findings);
