/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/verdict.h"

#include <stdlib.h>

struct verdict *verdict_new(const struct menu *menu)
{
	/* One more, because calloc() may return NULL for none. */
	struct verdict *verdicts = calloc(menu->count + 1, sizeof *verdicts);

	for (size_t i = 0; verdicts && i < menu->count; i++) {
		const struct menu_item *item = &menu->items[i];

		verdicts[i].in_menu = !item->error && !menu_hidden(item);
		verdicts[i].error = item->error;
		verdicts[i].where = item->where;
	}
	return verdicts;
}

int verdict_refuse(struct verdict *verdict, int error, unsigned line, const char *what)
{
	verdict->in_menu = false;
	verdict->error = error;
	verdict->where = (struct where){ line, what };
	return error;
}

void verdict_warn(struct verdict *verdict, unsigned line, const char *what)
{
	for (unsigned i = 0; i < verdict->warning_count; i++)
		if (verdict->warnings[i].line == line && verdict->warnings[i].what == what)
			return;
	if (verdict->warning_count < VERDICT_WARNINGS_MAX)
		verdict->warnings[verdict->warning_count++] = (struct where){ line, what };
}
