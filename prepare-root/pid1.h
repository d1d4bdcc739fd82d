/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pid1: what process 1 does with the physical root on "/", and what it does when that fails.
 *
 * The deployment becomes "/" and its init is executed. Here ostree-prepare-root, started by the
 * kernel as init=, and rootstock-init, once it has made an initramfs look like that, are the same
 * program.
 */
#pragma once

#include "prepare-root/cmdline.h"
#include "prepare-root/log.h"
#include "prepare-root/onfail.h"

/*
 * Prepares "/" as cmdline says and executes the deployment's init; before_init (or NULL) is called
 * when nothing but that is left. initramfs is a descriptor of the root of the one that was left
 * behind, for its prepare-root.conf, or -1. Returns only if it failed: a negative errno with the
 * sentence set. Run on a root that is a prepared deployment already, there is only its init to find
 * and execute.
 */
int pid1_boot(const struct cmdline *cmdline, int initramfs, char **argv, void (*before_init)(void),
	struct fault *ret_fault);

/*
 * Says what failed, leaves the disk clean, and reboots or halts as onfail says. The file system is
 * left alone in a container, where it is not this process' own. Returns for
 * ONFAIL_PANIC, the exit status: process 1 that exits makes the kernel panic.
 */
int pid1_give_up(const struct onfail *onfail, const struct fault *why);

/* The whole of ostree-prepare-root as init=. Returns the exit status. */
int pid1_main(char **argv);
