/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/ident.h"

#include <string.h>

#include "grub/quote.h"

/* What follows /ostree/boot.B/ or /ostree/boot.B.S/; NULL when that is not
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
	char word[ENTRY_SIZE_MAX + 1];
	const char *what, *parts = NULL;

	while (!parts && quote_next(&options, word, &what))
		if (!strncmp(word, "ostree=", strlen("ostree=")))
			parts = find_deployment(word + strlen("ostree="));
	if (!parts)
		return;
	text_add(text, "ostree");
	for (; *parts; parts += strcspn(parts, "/")) {
		parts += *parts == '/';
		text_add(text, "-");
		text_add_bytes(text, parts, strcspn(parts, "/"));
	}
}

void ident_add(struct text *text, const struct menu_item *item)
{
	size_t before = text->size;

	if (item->libostree)
		add_deployment(text, item->entry.options);
	if (text->size > before)
		return;
	if (!item->stem[strspn(item->stem, "0123456789")])
		text_add(text, "entry-");
	text_add(text, item->stem);
}
