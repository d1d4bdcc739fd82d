/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry: one Type #1 boot loader entry, parsed from memory.
 *
 * The rules are those of the Boot Loader Specification (UAPI.1): a line is a key, blanks and a
 * literal value, and "#" starts a comment line. initrd, options and extra may repeat, and all of
 * them count, in order. Of any other key the last line counts, as for libostree and bootctl. Beyond
 * the specification, TAB is a blank, a line may end in CR LF, the last line needs no line end, and
 * blanks around a line and a byte order mark before the first one are ignored.
 *
 * Nothing is dropped silently: a line with an unknown key stays in the list, and bytes that cannot
 * be text are an error with a line number.
 */
#pragma once

#include <stddef.h>

#include "prepare-root/where.h"

enum { ENTRY_SIZE_MAX = 65536 };

enum entry_key {
	ENTRY_TITLE,
	ENTRY_VERSION,
	ENTRY_MACHINE_ID,
	ENTRY_SORT_KEY,
	ENTRY_LINUX,
	ENTRY_INITRD,
	ENTRY_EFI,
	ENTRY_UKI,
	ENTRY_UKI_URL,
	ENTRY_OPTIONS,
	ENTRY_DEVICETREE,
	ENTRY_DEVICETREE_OVERLAY,
	ENTRY_ARCHITECTURE,
	ENTRY_PROFILE,
	ENTRY_EXTRA,
	ENTRY_FDTDIR, /* libostree's, for a directory of device trees; not in the specification */
	ENTRY_UNKNOWN,
};

struct entry_line {
	enum entry_key key;
	unsigned number;   /* counted from 1 */
	const char *name;  /* the key as a word */
	const char *value; /* without blanks around it; a file of linux, initrd, efi, uki, extra,
			   devicetree and fdtdir begins with "/" whether the line had it or not */
};

/* Strings live as long as the entry. */
struct entry {
	struct entry_line *lines; /* in file order; a known key without a value is left out */
	size_t count;
	const struct entry_line *last[ENTRY_UNKNOWN]; /* of each known key the line that counts */
	char *options; /* all of them, joined by one blank; "" when there is none */
	char *text;    /* the file, whose lines are cut up but for a byte order mark */
};

/*
 * Reads an entry of size bytes. Returns 0, -ENOMEM, -EFBIG for more than ENTRY_SIZE_MAX bytes, or
 * -EINVAL, the latter two with *ret_where filled: a NUL byte, a file that is named by nothing or by
 * a path with a ".." part, neither linux nor one of efi, uki and uki-url. *ret_entry then holds
 * what could be read (it may still say where in a menu the entry belongs) and must be freed all the
 * same.
 */
int entry_parse(const char *bytes, size_t size, struct entry *ret_entry, struct where *ret_where);

/* The value that counts, or NULL. */
const char *entry_value(const struct entry *entry, enum entry_key key);

/* The next line with this key after previous, or the first one for NULL; NULL at the end. */
const struct entry_line *entry_next(
	const struct entry *entry, enum entry_key key, const struct entry_line *previous);

/* The line of the options in which a byte stands, given by its place in the joined ones. */
unsigned entry_options_line(const struct entry *entry, size_t place);

void entry_free(struct entry *entry);
