/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * place: where a path of an ordinary root file system goes in a tree that OSTree deploys.
 *
 * A tree has its configuration in usr/etc, and everything else that it brings in usr. What a device
 * changes is in /var, which is no part of a tree. This is a pure function of the path; what depends on
 * other files is in layout.h.
 */
#pragma once

#include <glib.h>

/* In the order of the reports. Each can be left out by its name. */
enum place_rule {
	PLACE_NONE,
	PLACE_RUNTIME,	 /* made at each boot */
	PLACE_ROOTLINKS, /* Debian's links to the kernel */
	PLACE_ETC,
	PLACE_MERGE, /* bin, sbin and lib into usr */
	PLACE_HOME,
	PLACE_OPT,
	PLACE_SRV,
	PLACE_MNT,
	PLACE_MEDIA,
	PLACE_ROOT,
	PLACE_LOCAL,
	PLACE_CACHE, /* files below var that programs make again */
	PLACE_RULES
};

/* Which rules are left out: bits 1 << rule. Those for etc and what is made at boot cannot be. */
typedef guint32 place_without;

/* The name by which a rule is reported and left out, and its reason, as the end of a sentence. */
const char *place_rule_name(enum place_rule rule);
const char *place_rule_reason(enum place_rule rule);

/* Finds the rule by its name; PLACE_NONE: there is none, or it cannot be left out. */
enum place_rule place_rule_of(const char *name);

/*
 * Returns the new path, or NULL if the entry is left out. path is as in source.h. A directory that a
 * rule moves away is moved as well as what is in it; a symlink or file in its place is not, except for
 * the symlinks of a merged /usr. Paths in var and boot stay: layout_apply() takes them from there.
 */
char *place(
	const char *path, gboolean is_directory, place_without without, enum place_rule *ret_rule);

/* The target that a symlink needs after it was moved, both paths as in place(), or NULL: it still
 * leads to the same file. */
char *place_target(const char *from, const char *to, const char *target, place_without without);

/* The directory that a rule moves away, or NULL, and the link in its place, or NULL. */
const char *place_directory(enum place_rule rule);
const char *place_link(enum place_rule rule);

/* The directories of / that are merged into /usr, and NULL. */
extern const char *const place_merged[];
