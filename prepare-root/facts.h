/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * facts: what is there, before anything is decided.
 *
 * Looks at the sysroot, the deployment that ostree= names and the mounts around them, and changes
 * nothing. Whatever would make the boot fail later is found here, before any mount is changed, and
 * reported in one sentence.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "prepare-root/cmdline.h"
#include "prepare-root/log.h"

/*
 * PID 1: the kernel mounted the physical root as "/" and started us; there is no initramfs.
 * Utility: another initramfs mounted it on SYSROOT, called us, and will switch to it.
 */
enum world { WORLD_PID1, WORLD_UTILITY };

struct facts {
	enum world world;
	const char *sysroot;	   /* where the physical root is seen; "" for "/" */
	bool prepared;		   /* sysroot is a deployment already: only init is left to do */
	char deployment[PATH_MAX]; /* from sysroot, without links and leading "/" */
	char var[PATH_MAX];	   /* its stateroot's var, as a path like that */
	char boot[PATH_MAX];	   /* the root's /boot, likewise; "" if it is not ours to mount */
	uint64_t device, inode;	   /* st_dev and st_ino of the deployment */
	unsigned long flags;	   /* per-mount flags of the physical root, MS_RDONLY among them */
	bool super_readonly;	   /* its file system is read-only, whatever its mount is */
	bool dev_mounted;
	bool proc_mounted, sys_mounted; /* and the tree has a directory for them */
	bool run_mounted;		/* in the utility world the caller's /run, else sysroot's */
	bool hotfix;			/* ostree admin unlock --hotfix left its overlay here */
	bool mount_var;			/* nothing in the tree mounts /var */
	bool sysroot_readonly; /* sysroot.readonly, of prepare-root.conf or of the repository */
	const char *init;      /* see realinit_find; NULL if there is none */
};

/* A prepare-root.conf of the initramfs. */
struct settings {
	const char *name; /* for messages */
	const char *text;
	size_t size;
};

/* Descriptors of directories that facts_gather looks into besides the sysroot; -1 for none. */
struct around {
	int proc;      /* of a proc file system, to tell a read-only mount from its file system */
	int initramfs; /* its root, for prepare-root.conf */
};

/*
 * Reads and splits /proc/cmdline; proc is a descriptor of /proc or -1. Returns 0, or a negative
 * errno with the sentence set and an empty command line. Of more than CMDLINE_MAX bytes the words
 * that fit are taken, with a warning.
 */
int facts_cmdline(int proc, struct cmdline *ret_cmdline, struct fault *ret_fault);

/*
 * True if path below dir is a directory on another device than its parent. That is enough for /dev,
 * /proc, /sys and /run, which are never on the root's own device, and does not need /proc.
 */
bool facts_mounted(int dir, const char *path);

/*
 * Gives facts_gather the settings of an initramfs of which there is no directory; NULL for none
 * again. Not a field of around, because the boot's programs would get larger by what they never use.
 */
void facts_use_settings(const struct settings *settings);

/*
 * Fills facts for the sysroot, "/" or the path of a directory. Returns 0, or a negative errno with
 * the sentence set. If ret_facts->prepared is set, only world, sysroot and init are valid too.
 */
int facts_gather(enum world world, const char *sysroot, const struct around *around,
	const struct cmdline *cmdline, struct facts *ret_facts, struct fault *ret_fault);
