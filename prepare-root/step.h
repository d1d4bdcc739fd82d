/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * step: one change of the mounts, with its reason; the only code that makes such changes.
 *
 * A plan is an array of steps. A run stops at the first failure, with a sentence that names the step
 * and its reason. Printing, one line a step, changes nothing.
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
	STEP_PRIVATE, /* the propagation of the mount at target; this and the next may have MS_REC */
	STEP_SHARED,
	STEP_UMOUNT,   /* target, lazily */
	STEP_SWITCH,   /* moves the mount at source onto "/" and makes it the root */
	STEP_PIVOT,    /* source becomes "/", the old root the directory target in it */
	STEP_ENTER,    /* target becomes the working directory */
	STEP_MKDIR,    /* target, unless it exists, with flags as its mode, less umask */
	STEP_RMDIR,    /* target */
	STEP_WRITE,    /* size bytes of data into the new or emptied file target, mode 0644 */
	STEP_OPEN_LOG, /* at target, if there is one, for the messages from here on */
	STEP_LOG,      /* logs why */
	STEP_EXEC, /* target, with the arguments and the environment that came from the kernel */
};

struct step {
	enum step_op op;
	const char *source, *target, *type;
	const void *data; /* text, but for STEP_WRITE */
	size_t size;	  /* bytes of data, STEP_WRITE only */
	unsigned long flags;
	const char *why;
	const char *otherwise; /* if not NULL, a failure is only a warning with this text */
	size_t skip;	       /* how many of the next steps success makes unnecessary */
};

/*
 * Runs count steps. argv is for STEP_EXEC, whose target replaces argv[0]; if that succeeds the call
 * does not return. Returns 0, or a negative errno with the sentence set and later steps not run.
 * Sets how many steps are done, without the failed one.
 */
int step_run(const struct step *steps, size_t count, char **argv, size_t *ret_done,
	struct fault *ret_fault);

/* Runs one step whose failure is not reported. Returns whether it worked. */
bool step_try(struct step step);

/* Writes the steps to the descriptor. Returns 0 or a negative errno. */
int step_print(const struct step *steps, size_t count, int fd);
