/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows what rootstock-init detects on an image:
 * read FILE, guess FILE: lines ERROR, TYPE, FILESYSTEM, UUID and LABEL (see initramfs/probe.h);
 * signatures FILE: a line TYPE FILESYSTEM for each signature;
 * table FILE, gpt FILE (without a protective MBR): a line NUMBER UUID NAME for each partition, then
 * the error;
 * mount FILE WORDS: a line "mount TYPE" for each call of mount(2) with these words on the kernel
 * command line, then the error and the message.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "initramfs/mountroot.h"
#include "initramfs/probe.h"
#include "initramfs/test/words.h"

/* Replaces the C library's, with the other functions of the same object in musl. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	const void *data)
{
	(void)source, (void)target, (void)flags, (void)data;
	printf("mount %s\n", type);
	return 0;
}

int umount(const char *target)
{
	(void)target;
	return -1;
}

int umount2(const char *target, int flags)
{
	(void)flags;
	return umount(target);
}

static void show_partition(const struct probe_partition *partition, void *context)
{
	(void)context;
	printf("%u %s %s\n", partition->number, partition->uuid ? partition->uuid : "-",
		partition->name ? partition->name : "-");
}

static int show_mount(int fd, const char *words)
{
	struct device device = { .name = "image", .dev = -1, .fd = fd };
	struct devices devices = { .at = { &device }, .count = 1, .dev = -1 };
	struct rootparams params;
	struct fault fault = { "" };
	char text[256];
	int err;

	(void)snprintf(text, sizeof text, "root=/dev/image %s", words);
	params = parse_words(text);
	err = mountroot_device(&params, &devices, &device, "/sysroot", &fault);
	printf("%d\n%s\n", err, fault.sentence);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc >= 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	struct tags tags, found[PROBE_SIGNATURES_MAX];
	bool sure;
	int err;

	if (fd < 0)
		return 2;
	if (!strcmp(argv[1], "mount"))
		return show_mount(fd, argc > 3 ? argv[3] : "");
	if (!strcmp(argv[1], "signatures")) {
		size_t count = probe_signatures(fd, found);

		for (size_t i = 0; i < count; i++)
			printf("%s %d\n", found[i].type, found[i].filesystem);
		return 0;
	}
	if (!strcmp(argv[1], "table") || !strcmp(argv[1], "gpt")) {
		err = probe_partitions(fd, !strcmp(argv[1], "gpt"), show_partition, NULL);
		printf("%d\n", err);
		return 0;
	}
	err = !strcmp(argv[1], "read") ? probe_read(fd, &tags) : probe_guess(fd, &sure, &tags);
	printf("%d\n%s\n%d\n%s\n%s\n", err, tags.type, tags.filesystem, tags.uuid, tags.label);
	return 0;
}
