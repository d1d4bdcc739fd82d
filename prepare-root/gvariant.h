/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gvariant: a GVariant of type a{sv} in its serialised form, without GLib.
 *
 * libostree reads /run/ostree-booted this way. The rules are those of the GVariant Specification
 * 1.0, section 2: an entry starts at a multiple of 8 and has the key with its zero byte, padding to
 * 8, the value, a zero byte, the value's type, and the offset of the key's end; after all entries
 * come the offsets of their ends. Offsets are little endian and as wide as their container needs,
 * 1, 2 or 4 bytes. Numbers inside values are in the machine's byte order.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct gvariant {
	uint8_t *bytes; /* must stay in place until gvariant_end */
	size_t size;	/* of bytes */
	size_t used;
	size_t ends[16];
	size_t count;
	int error; /* the first error sticks */
};

/* Adds a value of len bytes, already in serialised form, of a type whose alignment is at most 8. */
void gvariant_add(
	struct gvariant *dict, const char *key, const char *type, const void *value, size_t len);

/* Closes the dictionary. Returns its length, or -ENOSPC if bytes or 16 entries were not enough. */
int gvariant_end(struct gvariant *dict);
