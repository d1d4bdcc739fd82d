/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules: loads the kernel modules of the image, in the order that was chosen when it was made
 * (see rootstock-mkinitramfs).
 *
 * /modules/order has one line a module, "FILE [PARAMETER...]". Parameters that the kernel command
 * line has for a module, MODULE.PARAMETER[=VALUE], are added, as modprobe does. A module that cannot
 * be loaded is reported, and the boot goes on: the root device may not need it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "prepare-root/cmdline.h"

/* Loads all modules of the list, if there is one. */
void modules_load(const struct cmdline *cmdline);

/*
 * The parameters that the command line has for a module ("-" and "_" are the same letter), each as
 * the kernel wants it, separated by blanks. Returns the length, or -ENAMETOOLONG with ret_text
 * empty.
 */
int modules_parameters(
	const struct cmdline *cmdline, const char *module, char *ret_text, size_t size);

/*
 * True if the word, for example modprobe.blacklist=NAME[,NAME...], lists the module. All words of
 * that name count.
 */
bool modules_listed(const struct cmdline *cmdline, const char *word, const char *module);
