/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inspect: what entries promise and a sysroot does not hold.
 *
 * An entry may be well written and still not boot, because a file that it names is gone, because
 * its deployment is, or because nothing will prepare that deployment. No loader is asked here and
 * nothing is changed; each function adds what it finds, an error for what does not boot and a
 * warning for what boots with a risk.
 */
#pragma once

#include "bls/bootfs.h"
#include "bls/check/findings.h"
#include "bls/menu.h"
#include "bls/sysroot.h"

/*
 * One entry: each of its files is below ROOT/boot, out of which no path leads, and not empty;
 * ostree= leads to a deployment with a usr, and an initrd or init= will prepare it; panic= is set,
 * because by default the kernel hangs for ever. Of an entry with an error only that is found. What
 * is for a running kernel is not looked at in a hidden one.
 */
void entries_check_item(
	const struct sysroot *sysroot, const struct menu_item *item, struct findings *findings);

/*
 * All entries together: names that count as equal, of which GRUB's blscfg shows one; and whether a
 * loader that knows nothing of libostree's order (systemd-boot) would boot another one first.
 */
void entries_check_menu(
	const struct sysroot *sysroot, const struct menu *menu, struct findings *findings);

/*
 * Whether a loader's path of the first entry leads to ROOT/boot in the file system that it is on:
 * "/boot/..." in one of its own needs libostree's symlink boot -> . there, and nothing else is
 * right in a larger one. Nothing is found where bootfs has no type.
 */
void entries_check_prefix(const struct sysroot *sysroot, const struct menu *menu,
	const struct bootfs *bootfs, struct findings *findings);
