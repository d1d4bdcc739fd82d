/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/gvariant.h"

#include <errno.h>
#include <string.h>

static void put(struct gvariant *dict, const void *bytes, size_t len)
{
	if (dict->error || len > dict->size - dict->used) {
		dict->error = -ENOSPC;
		return;
	}
	memcpy(dict->bytes + dict->used, bytes, len);
	dict->used += len;
}

static void pad(struct gvariant *dict)
{
	static const uint8_t zeros[8];

	put(dict, zeros, -dict->used & 7);
}

static size_t offset_width(size_t body, size_t count)
{
	if (body + count <= 0xff)
		return 1;
	return body + 2 * count <= 0xffff ? 2 : 4;
}

static void put_offset(struct gvariant *dict, size_t offset, size_t width)
{
	for (; width; width--, offset >>= 8)
		put(dict, &(uint8_t){ (uint8_t)offset }, 1);
}

void gvariant_add(
	struct gvariant *dict, const char *key, const char *type, const void *value, size_t len)
{
	size_t start;

	if (dict->count == sizeof dict->ends / sizeof *dict->ends)
		dict->error = -ENOSPC;
	pad(dict);
	start = dict->used;
	put(dict, key, strlen(key) + 1);
	pad(dict);
	put(dict, value, len);
	put(dict, "", 1);
	put(dict, type, strlen(type));
	put_offset(dict, strlen(key) + 1, offset_width(dict->used - start, 1));
	if (!dict->error)
		dict->ends[dict->count++] = dict->used;
}

int gvariant_end(struct gvariant *dict)
{
	size_t width = offset_width(dict->used, dict->count);

	for (size_t i = 0; i < dict->count; i++)
		put_offset(dict, dict->ends[i], width);
	return dict->error ? dict->error : (int)dict->used;
}
