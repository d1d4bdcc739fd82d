/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/match.h"

#include <errno.h>
#include <string.h>

static bool has_tag(const struct tags *tags, const struct wanted *wanted)
{
	return wanted->by == WANTED_UUID ? !strcasecmp(tags->uuid, wanted->text)
					 : !strcmp(tags->label, wanted->text);
}

/* Whether anything that the bytes look like has the tag. */
static bool has_marked_tag(const struct device *device, const struct wanted *wanted)
{
	struct tags marks[TAGS_MARKS_MAX];
	size_t count = tags_marks(device->fd, marks);

	while (count && !has_tag(&marks[count - 1], wanted))
		count--;
	return count;
}

/*
 * A device that is not wanted is closed again, since there may be more of them than descriptors.
 * The one that is stays open until it is mounted, or all would be read a second time.
 */
static bool has_wanted_tag(
	struct devices *devices, struct device *device, const struct wanted *wanted)
{
	bool same;

	if (!devices_may_be_read(devices, device))
		return false;
	device_guess(device);
	same = has_tag(&device->tags, wanted);
	if (!device->probed && (same || device->error == -ENOTUNIQ)) {
		device_probe(device);
		same = has_tag(&device->tags, wanted);
		device->doubtful = !same && has_marked_tag(device, wanted);
	}
	if (!same)
		device_close(device);
	return same;
}

/* The kernel's own name of a partition has only ASCII, and it compares with that. */
static bool has_partlabel(const struct device *device, const struct wanted *wanted)
{
	return !strcmp(device->partlabel, wanted->text) ||
	       (*device->partname && !strcmp(device->partname, wanted->text));
}

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

static bool matches(struct devices *devices, struct device *device, const struct wanted *wanted)
{
	switch (wanted->by) {
	case WANTED_NAME:
		return !strcmp(device->name, wanted->text);
	case WANTED_NUMBER:
		return device->number == wanted->number;
	case WANTED_PARTUUID:
		return !strcasecmp(device->partuuid, wanted->text);
	case WANTED_PARTLABEL:
		return has_partlabel(device, wanted);
	case WANTED_UUID:
	case WANTED_LABEL:
		return has_wanted_tag(devices, device, wanted);
	default:
		return false;
	}
}

static struct device *partition_after(
	struct devices *devices, const struct device *first, int offset)
{
	for (size_t i = 0; i < devices->count; i++)
		if ((int)devices->at[i]->partition == (int)first->partition + offset &&
			!strcmp(devices->at[i]->disk, first->disk))
			return devices->at[i];
	return NULL;
}

/* A device is listed a moment before it has a node and a driver; a message follows when it has. */
static bool is_ready(struct device *device)
{
	int err = device_open(device);

	return err != -ENOENT && err != -ENXIO && err != -ENODEV;
}

struct device *match_find(
	struct devices *devices, const struct wanted *wanted, unsigned *ret_others)
{
	struct device *found = NULL;

	*ret_others = 0;
	if (wanted->by == WANTED_PARTUUID)
		devices_read_tables(devices, false);
	else if (wanted->by == WANTED_PARTLABEL && !is_ascii(wanted->text))
		devices_read_tables(devices, true);
	for (size_t i = 0; i < devices->count; i++) {
		if (!matches(devices, devices->at[i], wanted) || !is_ready(devices->at[i]))
			continue;
		if (found)
			++*ret_others;
		else
			found = devices->at[i];
	}
	if (found && wanted->offset)
		found = partition_after(devices, found, wanted->offset);
	return found && is_ready(found) ? found : NULL;
}
