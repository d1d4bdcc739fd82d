/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initramfs/search.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "initramfs/signatures.h"
#include "initramfs/match.h"
#include "initramfs/uevent.h"
#include "prepare-root/join.h"

static uint64_t now(void)
{
	struct timespec time = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void report_waiting(const struct search *search, uint64_t time)
{
	const char *intro = "", *text = "";
	char names[200] = "", number[12];
	int used = 0;

	for (size_t i = 0; i < search->devices.count; i++) {
		const struct device *device = search->devices.at[i];
		int more = 0;

		if (device_is_listed(device))
			more = join(names + used, sizeof names - (size_t)used - sizeof " ...", " ",
				device->name, NULL);
		if (more < 0) {
			strcpy(names + used, " ...");
			break;
		}
		used += more;
	}
	if (search->class >= 0) {
		intro = "; block devices:";
		text = *names ? names : " none";
	} else if (search->trouble) {
		intro = "; ";
		text = search->trouble;
	}
	log_parts(LOG_NOTICE, "waiting for root=", search->params->root, ", ",
		decimal((unsigned)((time - search->start) / 1000), number), " seconds so far",
		intro, text, NULL);
}

/* Waits at most timeout milliseconds for a message, and takes all that have come. */
static bool listen(struct search *search, int timeout)
{
	char message[4096];
	bool news = false;
	ssize_t got;

	if (search->uevents < 0) {
		/* A second for a source: an attempt to mount it is expensive, and logged. */
		const struct timespec pause = { .tv_sec = search->class < 0,
			.tv_nsec = SEARCH_POLL * 1000000L };

		nanosleep(&pause, NULL);
		return true;
	}
	while ((got = uevent_wait(search->uevents, timeout, message, sizeof message))) {
		if (got > 0) {
			news |= devices_event(&search->devices, message, (size_t)got) ||
				search->class < 0;
		} else {
			devices_forget(&search->devices);
			news = true;
		}
		timeout = 0;
	}
	return news;
}

int search_wait(struct search *search)
{
	uint64_t deadline, time = now();
	bool news = false;

	if (!search->start) {
		search->start = time;
		search->next_line = time + SEARCH_FIRST_LINE;
	}
	deadline = search->params->forever ? UINT64_MAX
					   : search->start + search->params->wait * 1000ULL;
	while (!news) {
		uint64_t until = deadline < search->next_line ? deadline : search->next_line;

		time = now();
		if (time >= deadline)
			return -ETIMEDOUT;
		if (time >= search->next_line) {
			report_waiting(search, time);
			search->next_line += SEARCH_NEXT_LINE;
			continue;
		}
		news = listen(search, (int)(until - time));
	}
	if (search->class >= 0)
		devices_scan(&search->devices, search->class);
	return 0;
}

/* Logs one line about a device, with all tags that root= could name. */
static void report_device(struct devices *devices, struct device *device)
{
	char names[SIGNATURES_SIZE] = "";
	bool unreadable;

	if (devices_may_be_read(devices, device))
		device_probe(device);
	if (device->error == -ENOTUNIQ)
		signatures_names(device, names);
	unreadable = device->error && device->error != -ENODATA && device->error != -ENOTUNIQ;
	log_parts(LOG_ERR, "  ", device->name, *device->tags.type ? " " : "", device->tags.type,
		*device->tags.uuid ? " UUID=" : "", device->tags.uuid,
		*device->tags.label ? " LABEL=" : "", device->tags.label,
		*device->partuuid ? " PARTUUID=" : "", device->partuuid,
		*device->partlabel ? " PARTLABEL=" : "",
		*device->partname ? device->partname : device->partlabel,
		*names ? " (signatures of " : "", names, *names ? ")" : "",
		unreadable ? " (cannot be read: " : "", unreadable ? strerror(-device->error) : "",
		unreadable ? ")" : "", NULL);
	device_close(device);
}

unsigned search_list(struct search *search)
{
	struct devices *devices = &search->devices;
	unsigned listed = 0;

	log_reopen("/dev/kmsg");
	devices_read_tables(devices, true);
	for (size_t i = 0; i < devices->count; i++) {
		if (!device_is_listed(devices->at[i]))
			continue;
		if (!listed++)
			log_line(LOG_ERR, "block devices found:");
		report_device(devices, devices->at[i]);
		/* The kernel drops more than ten lines at once from one open file. */
		if (listed % 8 == 0)
			log_reopen("/dev/kmsg");
	}
	log_reopen("/dev/kmsg");
	return listed;
}

/* A device with the tag of root= that is also something else; NULL if there is none. */
static struct device *doubtful(struct search *search)
{
	for (size_t i = 0; i < search->devices.count; i++)
		if (search->devices.at[i]->doubtful)
			return search->devices.at[i];
	return NULL;
}

/* Reports at once, and once, why such a device is not used: the wait may never end. */
static void report_doubt(struct search *search)
{
	struct device *device = search->doubt_reported ? NULL : doubtful(search);
	struct fault line;

	if (!device)
		return;
	signatures_fault(device, search->params->root, &line);
	device_close(device);
	log_line(LOG_WARNING, line.sentence);
	search->doubt_reported = true;
}

static int report_timeout(struct search *search, struct fault *ret_fault)
{
	unsigned listed = search_list(search);
	struct device *device = doubtful(search);
	char number[12];

	if (device) {
		signatures_fault(device, search->params->root, ret_fault);
		device_close(device);
		return -ETIMEDOUT;
	}

	return fault(ret_fault, -ETIMEDOUT, "no device matches root=", search->params->root,
		", after ", decimal(search->params->wait, number), " seconds; ",
		listed ? "is it one of those listed above?"
		       : "there is no block device at all: the disk's driver must be in the kernel, or its module in the initramfs",
		NULL);
}

int search_device(struct search *search, const struct rootspec *spec, struct device **ret_device,
	struct fault *ret_fault)
{
	unsigned others;
	int err = devices_scan(&search->devices, search->class);

	if (err == -ENOSPC)
		log_line(
			LOG_WARNING, "there are more than 4096 block devices: ignoring the others");
	else if (err)
		return fault(
			ret_fault, err, "cannot list /sys/class/block: ", strerror(-err), NULL);
	while (!(*ret_device = match_find(&search->devices, spec, &others))) {
		report_doubt(search);
		if (search_wait(search))
			return report_timeout(search, ret_fault);
	}
	/* A disk is listed before its partitions, and may have the remains of a file system. */
	if (!*(*ret_device)->disk && !devices_scan(&search->devices, search->class)) {
		struct device *again = match_find(&search->devices, spec, &others);

		if (again)
			*ret_device = again;
	}
	if (others) {
		log_parts(LOG_WARNING, "more than one device matches root=", search->params->root,
			"; using ", (*ret_device)->name,
			", the first in the order of names, sda before sdb", NULL);
	}
	return 0;
}
