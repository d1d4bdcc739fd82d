/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/device.h"

#include <errno.h>
#include <string.h>

/*
 * A device that is not wanted is closed again, since there may be more of them than descriptors.
 * The one that is stays open until it is mounted, or all would be read a second time.
 */
static bool same_tag(struct devices *devices, struct device *device, const struct wanted *wanted)
{
	bool same;

	if (!device_may_be_read(devices, device))
		return false;
	device_probe(devices, device);
	same = wanted->by == WANTED_UUID ? !strcasecmp(device->tags.uuid, wanted->text)
					 : !strcmp(device->tags.label, wanted->text);
	if (!same)
		device_close(device);
	return same;
}

static bool is(struct devices *devices, struct device *device, const struct wanted *wanted)
{
	switch (wanted->by) {
	case WANTED_NAME:
		return !strcmp(device->name, wanted->text);
	case WANTED_NUMBER:
		return device->number == wanted->number;
	case WANTED_PARTUUID:
		return !strcasecmp(device->partuuid, wanted->text);
	case WANTED_PARTLABEL:
		return !strcmp(device->partlabel, wanted->text);
	case WANTED_UUID:
	case WANTED_LABEL:
		return same_tag(devices, device, wanted);
	default:
		return false;
	}
}

static struct device *behind(struct devices *devices, const struct device *first, int offset)
{
	for (size_t i = 0; i < devices->count; i++)
		if ((int)devices->at[i]->partition == (int)first->partition + offset &&
			!strcmp(devices->at[i]->disk, first->disk))
			return devices->at[i];
	return NULL;
}

/* A device is listed a moment before it has a node and a driver; a message follows when it has. */
static bool answers(const struct devices *devices, struct device *device)
{
	int err = device_open(devices, device);

	return err != -ENOENT && err != -ENXIO && err != -ENODEV;
}

struct device *devices_find(
	struct devices *devices, const struct wanted *wanted, unsigned *ret_others)
{
	struct device *found = NULL;

	*ret_others = 0;
	if (wanted->by == WANTED_PARTUUID)
		devices_read_tables(devices);
	for (size_t i = 0; i < devices->count; i++) {
		if (!is(devices, devices->at[i], wanted) || !answers(devices, devices->at[i]))
			continue;
		if (found)
			++*ret_others;
		else
			found = devices->at[i];
	}
	if (found && wanted->offset)
		found = behind(devices, found, wanted->offset);
	return found && answers(devices, found) ? found : NULL;
}
