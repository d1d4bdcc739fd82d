/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fdt: flattened device trees (Devicetree Specification, chapter 5), and U-Boot's FIT, which is one.
 *
 * A file is not trusted: each read is inside it, and their number has a limit.
 */
#pragma once

/* What is wrong with the device tree at path below ROOT/boot, as the end of a sentence; NULL if a
 * loader would accept its header, or it cannot be read. */
const char *fdt_wrong(int boot_fd, const char *path);

/* True, false, or -1 if it is not known: whether the FIT at path has an initramfs in it. */
int fdt_has_ramdisk(int boot_fd, const char *path);
