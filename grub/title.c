/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "grub/title.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_printable(char *title)
{
	for (; *title; title++)
		if ((unsigned char)*title < ' ' || *title == 0x7f) {
			*title = ' ';
		} else if (*title == '\xc2' && (title[1] & 0xe0) == 0x80) {
			/* U+0080 to U+009F, which a terminal obeys too. */
			title[0] = title[1] = ' ';
		}
}

static int compare_titles(const void *a, const void *b)
{
	return strcmp(**(char **const *)a, **(char **const *)b);
}

static int add_more(char **title, const struct menu_item *item, const char *version)
{
	/* With the boot counter, because two files may have the same stem. */
	int length = (int)(strlen(item->name) - strlen(".conf"));
	char *longer;

	if (asprintf(&longer, "%s (%.*s)", *title, version ? (int)strlen(version) : length,
		    version ? version : item->name) < 0)
		return -ENOMEM;
	free(*title);
	*title = longer;
	make_printable(longer);
	return 0;
}

/* Makes titles longer that are not unique. */
static int tell_apart(const struct menu *menu, char *titles[], bool by_version)
{
	bool alike[MENU_ENTRIES_MAX] = { false };
	char **sorted[MENU_ENTRIES_MAX];
	size_t count = 0;
	int err = 0;

	for (size_t i = 0; i < menu->count; i++)
		if (titles[i])
			sorted[count++] = &titles[i];
	if (count)
		qsort(sorted, count, sizeof *sorted, compare_titles);
	for (size_t i = 1; i < count; i++)
		if (!compare_titles(&sorted[i - 1], &sorted[i]))
			alike[i - 1] = alike[i] = true;
	for (size_t i = 0; i < count && !err; i++) {
		const struct menu_item *item = &menu->items[sorted[i] - titles];

		if (alike[i])
			err = add_more(sorted[i], item,
				by_version ? entry_value(&item->entry, ENTRY_VERSION) : NULL);
	}
	return err;
}

int title_make(const struct menu *menu, const struct verdict verdicts[], char *ret_titles[])
{
	int err = 0;

	for (size_t i = 0; i < menu->count; i++) {
		const struct menu_item *item = &menu->items[i];
		const char *title = entry_value(&item->entry, ENTRY_TITLE);

		ret_titles[i] = NULL;
		if (!verdicts[i].in_menu)
			continue;
		ret_titles[i] = strdup(title ? title : item->stem);
		if (ret_titles[i])
			make_printable(ret_titles[i]);
		else
			err = -ENOMEM;
	}
	if (!err)
		err = tell_apart(menu, ret_titles, true);
	return err ? err : tell_apart(menu, ret_titles, false);
}

void title_free(char *titles[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(titles[i]);
}
