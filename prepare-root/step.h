/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * step: one thing done to the mounts, with its reason; and the only code that does such things.
 *
 * A plan is an array of steps. Run, it stops at the first failure with a sentence that names the
 * step and its reason; printed, one line a step, it changes nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>

#include "prepare-root/log.h"

/* Linux, include/uapi/linux/mount.h; musl 1.2.3 lacks it. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

enum step_op {
	STEP_MOUNT,   /* a file system of type, with data, on target */
	STEP_BIND,    /* source on target */
	STEP_MOVE,    /* the mount at source to target */
	STEP_REMOUNT, /* the flags of the mount at target, its file system left alone */
	STEP_SUPER,   /* the flags of the file system at target */
	STEP_PRIVATE, /* the propagation of the mount at target; these take MS_REC in flags */
	STEP_SHARED,
	STEP_UMOUNT,   /* target, lazily */
	STEP_SWITCH,   /* the mount at source is moved onto "/" and becomes it */
	STEP_PIVOT,    /* source becomes "/", the old root the directory target in it */
	STEP_ENTER,    /* target becomes the working directory */
	STEP_MKDIR,    /* target, with flags as its mode, less umask; there already is fine */
	STEP_RMDIR,    /* target */
	STEP_WRITE,    /* size bytes of data into the new or emptied file target, mode 0644 */
	STEP_OPEN_LOG, /* messages go to the kernel log at target too, if there is one */
	STEP_LOG,      /* says why */
	STEP_EXEC, /* target, with the arguments and the environment that came from the kernel */
};

struct step {
	enum step_op op;
	const char *source, *target, *type;
	const void *data; /* text, but for STEP_WRITE */
	size_t size;	  /* bytes of data, STEP_WRITE only */
	unsigned long flags;
	const char *why;
	const char *otherwise; /* not NULL: failing is said with this, and the run goes on */
	size_t skip;	       /* how many of the next steps success makes unnecessary */
};

/*
 * Runs count steps. argv is for STEP_EXEC, whose target replaces argv[0]; if that succeeds the call
 * does not return. Returns 0, or a negative errno with the sentence set and later steps not run.
 * Sets how many steps are behind the call, the failed one not among them.
 */
int step_run(const struct step *steps, size_t count, char **argv, size_t *ret_done,
	struct fault *ret_fault);

/* Runs one step whose failure changes nothing for the caller. Returns whether it worked. */
bool step_try(struct step step);

/* Writes the steps to the descriptor. Returns 0 or a negative errno. */
int step_print(const struct step *steps, size_t count, int fd);
