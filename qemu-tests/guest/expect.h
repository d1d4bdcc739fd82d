/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host expects of this boot: lines "KEY VALUE" in the deployment's /etc/probe.conf,
 * written when the disk was made. The probe itself knows nothing about the machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { EXPECT_WORDS = 32, EXPECT_TEXT = 256 };

/* The values of one key, in the file's order. */
struct words {
	size_t count;
	char at[EXPECT_WORDS][EXPECT_TEXT];
};

struct expect {
	struct words stateroot;
	struct words deployment;  /* the directory's name, CHECKSUM.SERIAL */
	struct words tree;	  /* "deployment", or "plain" for a root without OSTree */
	struct words root;	  /* "ro" or "rw": how the kernel mounts it; "fixed": never rw */
	struct words inside;	  /* where the root is in its file system: "", or a subvolume */
	struct words usr;	  /* "ro" or "overlay" */
	struct words sysroot;	  /* "ro" or "rw" */
	struct words var;	  /* "prepared" or "fstab" */
	struct words boot;	  /* "prepared", "fstab", or "absent": libostree cannot read it */
	struct words model;	  /* the model in the kernel's device tree, if it is checked */
	struct words disk;	  /* the disk's name in /dev */
	struct words arg;	  /* argv[1..] */
	struct words env;	  /* the environment, in any order */
	struct words environment; /* "exact", or "more": there may be other variables */
	struct words propagation; /* "shared" or "private": what /var is */
	struct words memory;	  /* KiB that may stay in memory file systems; 0: any */
	struct words world;	  /* "handed" if an initramfs hands over /proc, /sys and /dev */
	struct words switches;	  /* how often process 1 may give up the processor; 0: any */
	struct words top;	  /* the names in the physical root */
	struct words then;	  /* what to do at the end of this deployment's N-th boot */
};

/* The value of a key that has exactly one, else "". */
const char *expect_one(const struct words *words);

/* True if the key has exactly this value. */
bool expect_is(const struct words *words, const char *value);

/* Reads /etc/probe.conf; false, with an explanation, if it is missing or not understood. */
bool expect_read(struct expect *ret);
