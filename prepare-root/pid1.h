/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pid1: what process 1 does with the physical root on "/", and what it does when that fails.
 *
 * The deployment becomes "/" and its init is executed. ostree-prepare-root does this when the
 * kernel starts it as init=, and rootstock-init once it has left the initramfs.
 */
#pragma once

#include "prepare-root/cmdline.h"
#include "prepare-root/log.h"
#include "prepare-root/onfail.h"

/*
 * Prepares "/" as cmdline says and executes the deployment's init; before_init (or NULL) is called
 * right before that. initramfs is a descriptor of the root of the initramfs that was left, for its
 * prepare-root.conf, or -1. Returns only if it failed: a negative errno with the sentence set. On a
 * root that is a prepared deployment already, only its init is executed.
 */
int pid1_boot(const struct cmdline *cmdline, int initramfs, char **argv, void (*before_init)(void),
	struct fault *ret_fault);

/*
 * Reports what failed, makes the root file system read-only, so that it is clean, and reboots or
 * halts as onfail says. In a container the file system is left alone: it is not only ours. For
 * ONFAIL_PANIC it returns the exit status: the kernel panics when process 1 exits.
 */
int pid1_give_up(const struct onfail *onfail, const struct fault *why);

/* The whole of ostree-prepare-root as init=. Returns the exit status. */
int pid1_main(char **argv);
