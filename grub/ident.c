/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/ident.h"

#include <string.h>

#include "bls/kargs.h"
#include "bls/text.h"

/* Returns what follows /ostree/boot.B/ or /ostree/boot.B.S/, or NULL if that is not
 * STATEROOT/BOOTCSUM/SERIAL. */
static const char *find_deployment(const char *target)
{
	const char *prefix = "/ostree/boot.", *part;

	if (strncmp(target, prefix, strlen(prefix)) != 0)
		return NULL;
	target += strlen(prefix);
	target += strspn(target, "01.");
	if (*target++ != '/')
		return NULL;
	part = target;
	for (int i = 0; i < 3; i++) {
		size_t length = strcspn(part, "/");

		if (!length || part[length] != (i < 2 ? '/' : '\0'))
			return NULL;
		part += length + 1;
	}
	return target;
}

static void add_deployment(struct text *text, const char *options)
{
	struct kargs kargs;
	const char *ostree, *part;

	text->failed |= kargs_split(options, &kargs) < 0;
	ostree = text->failed ? NULL : kargs_first(&kargs, "ostree");
	part = ostree ? find_deployment(ostree) : NULL;
	if (part)
		text_add(text, "ostree");
	for (; part && *part; part += strcspn(part, "/")) {
		part += *part == '/';
		text_print(text, "-%.*s", (int)strcspn(part, "/"), part);
	}
	kargs_free(&kargs);
}

char *ident_make(const struct menu_item *item)
{
	struct text text = { 0 };

	if (item->libostree)
		add_deployment(&text, item->entry.options);
	if (!text.size)
		text_print(&text, "%s%s",
			item->stem[strspn(item->stem, "0123456789")] ? "" : "entry-", item->stem);
	if (!text_string(&text))
		text_free(&text);
	return text.bytes;
}
