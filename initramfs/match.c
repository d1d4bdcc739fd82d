/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/match.h"

#include <errno.h>
#include <string.h>

static bool has_tag(const struct tags *tags, const struct rootspec *spec)
{
	return spec->by == ROOTSPEC_UUID ? !strcasecmp(tags->uuid, spec->text)
					 : !strcmp(tags->label, spec->text);
}

/* True if anything that the device has a signature of has the tag. */
static bool has_signature_tag(const struct device *device, const struct rootspec *spec)
{
	struct tags signatures[PROBE_SIGNATURES_MAX];
	size_t count = probe_signatures(device->fd, signatures);

	while (count && !has_tag(&signatures[count - 1], spec))
		count--;
	return count;
}

/*
 * Closes a device that does not match: there may be more of them than descriptors. The one that
 * matches stays open until it is mounted, so that the kernel keeps what it has read.
 */
static bool has_wanted_tag(
	struct devices *devices, struct device *device, const struct rootspec *spec)
{
	bool same;

	if (!devices_may_be_read(devices, device))
		return false;
	device_guess(device);
	same = has_tag(&device->tags, spec);
	if (!device->probed && (same || device->error == -ENOTUNIQ)) {
		device_probe(device);
		same = has_tag(&device->tags, spec);
		device->doubtful = !same && has_signature_tag(device, spec);
	}
	if (!same)
		device_close(device);
	return same;
}

/* The kernel compares with its own form of the name, which has only ASCII. */
static bool has_partlabel(const struct device *device, const struct rootspec *spec)
{
	return !strcmp(device->partlabel, spec->text) ||
	       (*device->partname && !strcmp(device->partname, spec->text));
}

static bool is_ascii(const char *text)
{
	while (*text && !(*text & 0x80))
		text++;
	return !*text;
}

static bool matches(struct devices *devices, struct device *device, const struct rootspec *spec)
{
	switch (spec->by) {
	case ROOTSPEC_NAME:
		return !strcmp(device->name, spec->text);
	case ROOTSPEC_NUMBER:
		return device->number == spec->number;
	case ROOTSPEC_PARTUUID:
		return !strcasecmp(device->partuuid, spec->text);
	case ROOTSPEC_PARTLABEL:
		return has_partlabel(device, spec);
	case ROOTSPEC_UUID:
	case ROOTSPEC_LABEL:
		return has_wanted_tag(devices, device, spec);
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

/* A device may be listed before it has a node and a driver; a message follows when it has. */
static bool is_ready(struct device *device)
{
	int err = device_open(device);

	return err != -ENOENT && err != -ENXIO && err != -ENODEV;
}

/* True for two devices of one btrfs. A copy of a device is none: it has the member's UUID too. */
static bool same_filesystem(const struct device *a, const struct device *b)
{
	return *a->tags.member && *b->tags.member && !strcmp(a->tags.uuid, b->tags.uuid) &&
	       strcmp(a->tags.member, b->tags.member) != 0;
}

struct device *match_find(
	struct devices *devices, const struct rootspec *spec, unsigned *ret_others)
{
	struct device *found = NULL;

	*ret_others = 0;
	if (spec->by == ROOTSPEC_PARTUUID)
		devices_read_tables(devices, false);
	else if (spec->by == ROOTSPEC_PARTLABEL && !is_ascii(spec->text))
		devices_read_tables(devices, true);
	for (size_t i = 0; i < devices->count; i++) {
		if (!matches(devices, devices->at[i], spec) || !is_ready(devices->at[i]))
			continue;
		if (!found)
			found = devices->at[i];
		else if (!same_filesystem(found, devices->at[i]))
			++*ret_others;
	}
	if (found && spec->offset)
		found = partition_after(devices, found, spec->offset);
	return found && is_ready(found) ? found : NULL;
}
