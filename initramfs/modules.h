/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * modules: loads the kernel modules that the image brings, in the order that was settled when it
 * was made (see rootstock-mkinitramfs).
 *
 * /modules/order has one line a module, "FILE [PARAMETER...]". Parameters that the kernel command
 * line has for a module, MODULE.PARAMETER[=VALUE], are added, as modprobe does. A module that fails
 * is said with its errno and no more: whether the boot can go on, the root device decides.
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
 * True if a word of the command line, modprobe.blacklist=NAME[,NAME...] say, names the module. It
 * may be there several times, and all count.
 */
bool modules_listed(const struct cmdline *cmdline, const char *word, const char *module);
