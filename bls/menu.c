/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/menu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bls/directory.h"
#include "bls/file.h"
#include "bls/version.h"

#define SUFFIX ".conf"
#define OSTREE "ostree-"

static const char digits[] = "0123456789";
static const char name_bytes[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-_.";

/* FAT ignores case. Returns 0 for a name without the suffix. */
static size_t stem_length(const char *name)
{
	size_t len = strlen(name), suffix = strlen(SUFFIX);

	return len > suffix && !strcasecmp(name + len - suffix, SUFFIX) ? len - suffix : 0;
}

/* Cuts "+LEFT" or "+LEFT-DONE" off the stem (UAPI.1, "Boot counting"). */
static void take_counter(struct menu_item *item)
{
	char *plus = strrchr(item->stem, '+');
	size_t left, done;

	item->left = -1;
	if (!plus)
		return;
	left = strspn(plus + 1, digits);
	done = plus[1 + left] == '-' ? strspn(plus + left + 2, digits) : 0;
	if (!left || plus[1 + left + (done ? 1 + done : 0)])
		return;
	/* strtol() limits large numbers, which is good enough for comparing. */
	item->left = strtol(plus + 1, NULL, 10);
	item->done = done ? strtol(plus + left + 2, NULL, 10) : 0;
	*plus = '\0';
}

static int new_item(struct menu *menu, const char *name, struct menu_item **ret_item)
{
	struct menu_item *item;

	if (menu->count == MENU_ENTRIES_MAX)
		return -E2BIG;
	/* The array grows at each power of two. */
	if ((menu->count & (menu->count - 1)) == 0) {
		size_t room = menu->count ? menu->count * 2 : 1;

		item = realloc(menu->items, room * sizeof *item);
		if (!item)
			return -ENOMEM;
		menu->items = item;
	}
	item = &menu->items[menu->count];
	*item = (struct menu_item){ .name = strdup(name),
		.stem = strndup(name, stem_length(name)) };
	menu->count++;
	if (!item->name || !item->stem)
		return -ENOMEM;
	take_counter(item);
	*ret_item = item;
	return 0;
}

static int fill_item(struct menu_item *item, const char *bytes, size_t size)
{
	struct where where;
	int err = entry_parse(bytes, size, &item->entry, &where);

	if (err == -ENOMEM)
		return err;
	item->error = err;
	item->where = where;
	return 0;
}

/* libostree's names contain the stateroot's name, which can have any bytes. */
static void judge_name(struct menu_item *item)
{
	if (item->libostree)
		return;
	if (strlen(item->name) > 255 || item->name[strspn(item->name, name_bytes)]) {
		item->error = -EINVAL;
		item->where = (struct where){
			0,
			"the file name of an entry has at most 255 letters, digits and characters of \"+-_.\""
		};
	}
}

/* Also called for an item that could not be read: its name alone may place it. */
static void place_item(struct menu_item *item)
{
	size_t prefix = strlen(OSTREE);

	item->version = entry_value(&item->entry, ENTRY_VERSION);
	item->libostree =
		!strncmp(item->stem, OSTREE, prefix) && !entry_value(&item->entry, ENTRY_SORT_KEY);
	if (item->libostree && !item->version && strspn(item->stem + prefix, digits))
		item->version = item->stem + prefix;
	judge_name(item);
}

int menu_add(struct menu *menu, const char *name, const char *bytes, size_t size)
{
	struct menu_item *item;
	int err = new_item(menu, name, &item);

	if (err < 0)
		return err;
	err = fill_item(item, bytes, size);
	place_item(item);
	return err;
}

/* With one byte more, an entry that is too large is noticed. */
enum { BUFFER_SIZE = ENTRY_SIZE_MAX + 1 };

struct reading {
	struct menu *menu;
	char *buffer;
};

static int add_file(void *context, int dir_fd, const char *name)
{
	const struct reading *reading = context;
	struct menu_item *item;
	ssize_t n;
	int err;

	if (name[0] == '.' || !stem_length(name))
		return 0;
	err = new_item(reading->menu, name, &item);
	if (err < 0)
		return err;
	n = file_read(dir_fd, name, reading->buffer, BUFFER_SIZE);
	if (n >= 0) {
		err = fill_item(item, reading->buffer, (size_t)n);
	} else {
		item->error = (int)n;
		item->where.what = n == -ELOOP ? "it is not a regular file" : strerror((int)-n);
	}
	place_item(item);
	return err;
}

int menu_read(int entries_fd, struct menu *ret_menu)
{
	struct reading reading = { ret_menu, malloc(BUFFER_SIZE) };
	int err = reading.buffer ? 0 : -ENOMEM;

	*ret_menu = (struct menu){ 0 };
	if (!err)
		err = directory_each(entries_fd, add_file, &reading);
	free(reading.buffer);
	/* After an error the last item may have no name to sort by. */
	if (!err)
		menu_sort(ret_menu);
	return err;
}

const char *menu_why(int error)
{
	return error == -E2BIG ? "there are more than 512 entries" : strerror(-error);
}

static const char *or_empty(const char *string)
{
	return string ? string : "";
}

/* One rule of the order: below 0 if a comes first, 0 if the next rule decides. */

static int by_badness(const struct menu_item *a, const struct menu_item *b)
{
	return (a->left == 0) - (b->left == 0);
}

static int by_having_sort_key(const struct menu_item *a, const struct menu_item *b)
{
	const struct entry_line *x = a->entry.last[ENTRY_SORT_KEY];
	const struct entry_line *y = b->entry.last[ENTRY_SORT_KEY];

	return (y != NULL) - (x != NULL);
}

/* These three rules need a sort-key; here both entries have one, or neither. */
static int by_key(const struct menu_item *a, const struct menu_item *b, enum entry_key key)
{
	if (!a->entry.last[ENTRY_SORT_KEY])
		return 0;
	return strcmp(or_empty(entry_value(&a->entry, key)), or_empty(entry_value(&b->entry, key)));
}

static int by_sort_key(const struct menu_item *a, const struct menu_item *b)
{
	return by_key(a, b, ENTRY_SORT_KEY);
}

static int by_machine_id(const struct menu_item *a, const struct menu_item *b)
{
	return by_key(a, b, ENTRY_MACHINE_ID);
}

static int by_version(const struct menu_item *a, const struct menu_item *b)
{
	if (!a->entry.last[ENTRY_SORT_KEY])
		return 0;
	return version_compare(or_empty(b->version), or_empty(a->version));
}

static int by_family(const struct menu_item *a, const struct menu_item *b)
{
	int order =
		version_compare(b->libostree ? OSTREE : b->stem, a->libostree ? OSTREE : a->stem);

	return order ? order : (int)b->libostree - (int)a->libostree;
}

static int by_libostree_version(const struct menu_item *a, const struct menu_item *b)
{
	if (!a->libostree)
		return 0;
	return version_compare_libostree(or_empty(b->version), or_empty(a->version));
}

static int by_name(const struct menu_item *a, const struct menu_item *b)
{
	return version_compare(b->stem, a->stem);
}

/* As in systemd-boot; the specification orders only the failures of bad entries. */
static int by_tries_left(const struct menu_item *a, const struct menu_item *b)
{
	return (a->left < b->left) - (a->left > b->left);
}

static int by_tries_done(const struct menu_item *a, const struct menu_item *b)
{
	return (a->done > b->done) - (a->done < b->done);
}

/* No specification orders these, but two runs must not differ. */
static int by_bytes(const struct menu_item *a, const struct menu_item *b)
{
	return strcmp(a->name, b->name);
}

/* The first rule that does not return 0 decides. The reason says why b comes after a. */
static const struct {
	int (*compare)(const struct menu_item *a, const struct menu_item *b);
	const char *reason;
} rules[] = {
	{ by_badness, "its boot count says that it does not start" },
	{ by_having_sort_key, "it has no sort-key" },
	{ by_sort_key, "its sort-key comes later" },
	{ by_machine_id, "its machine-id comes later" },
	{ by_version, "its version is older" },
	{ by_family, "its file name is older" },
	{ by_libostree_version, "libostree wrote both, and its version is older" },
	{ by_name, "its file name is older" },
	{ by_tries_left, "it has fewer tries left" },
	{ by_tries_done, "it has failed more often" },
	{ by_bytes, "only the bytes of their file names differ" },
};

static int compare(const struct menu_item *a, const struct menu_item *b, const char **ret_reason)
{
	int order = 0;

	*ret_reason = NULL;
	for (size_t i = 0; i < sizeof rules / sizeof *rules && !order; i++) {
		order = rules[i].compare(a, b);
		*ret_reason = rules[i].reason;
	}
	return order;
}

const char *menu_reason(const struct menu_item *first, const struct menu_item *second)
{
	const char *reason;

	(void)compare(first, second, &reason);
	return reason;
}

static int compare_items(const void *left, const void *right)
{
	const char *reason;

	return compare(left, right, &reason);
}

void menu_sort(struct menu *menu)
{
	if (menu->count)
		qsort(menu->items, menu->count, sizeof *menu->items, compare_items);
}

bool menu_hidden(const struct menu_item *item)
{
	const struct entry_line *const *last = item->entry.last;

	return !item->error &&
	       (!last[ENTRY_LINUX] || last[ENTRY_EFI] || last[ENTRY_UKI] || last[ENTRY_UKI_URL]);
}

const struct menu_item *menu_first(const struct menu *menu)
{
	for (size_t i = 0; i < menu->count; i++)
		if (!menu_hidden(&menu->items[i]))
			return &menu->items[i];
	return NULL;
}

static bool comes_before(struct menu_item a, struct menu_item b)
{
	a.libostree = b.libostree = false;
	return compare_items(&a, &b) < 0;
}

const struct menu_item *menu_first_by_name(const struct menu *menu)
{
	const struct menu_item *first = NULL;

	for (size_t i = 0; i < menu->count; i++)
		if (!menu_hidden(&menu->items[i]) &&
			(!first || comes_before(menu->items[i], *first)))
			first = &menu->items[i];
	return first;
}

void menu_free(struct menu *menu)
{
	for (size_t i = 0; i < menu->count; i++) {
		free(menu->items[i].name);
		free(menu->items[i].stem);
		entry_free(&menu->items[i].entry);
	}
	free(menu->items);
	*menu = (struct menu){ 0 };
}
