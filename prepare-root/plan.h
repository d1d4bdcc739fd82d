/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan: from facts to steps; the only file that decides how a deployment becomes "/".
 *
 * A pure function: the same facts give the same plan, on the device, in a dry run on a build host,
 * and in a test. Both worlds share the mounts below the new root. They differ in where it is before
 * it becomes "/", and in what the caller does itself (see struct facts).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "prepare-root/facts.h"
#include "prepare-root/step.h"

/* Where the utility builds the new root: a directory of the initramfs, removed afterwards. */
#define PLAN_NEW_ROOT "/sysroot.tmp"

struct plan {
	struct step steps[40];
	size_t count;
	/*
	 * Takes back what the steps have changed, so that a caller that tries again, or gives its
	 * user a shell, finds the mounts that it had. To be run from the last to the first, each
	 * only if more steps than its after are done; failures mean nothing.
	 */
	struct {
		struct step step;
		size_t after;
	} undo[8];
	size_t undo_count;
	uint8_t booted[512];	  /* the content of /run/ostree-booted */
	char text[16 * PATH_MAX]; /* the paths that the steps point to */
	size_t used;
	int error;
};

/* Returns 0, or -ENAMETOOLONG if the paths are too long to be joined. */
int plan_make(const struct facts *facts, struct plan *ret_plan);
