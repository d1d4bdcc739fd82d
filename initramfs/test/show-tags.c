/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows what rootstock-init makes of an image. "read FILE" and "guess FILE" print ERROR TYPE
 * FILESYSTEM UUID LABEL as initramfs/tags.h says, one a line; "marks FILE" TYPE FILESYSTEM of each
 * mark, a line each; "table FILE" and "gpt FILE", by force, NUMBER UUID NAME of each partition, a
 * line each, then the error. "mount FILE WORDS" prints what mount(2) would be told with these words
 * on the kernel command line, "mount TYPE", a line each, then the error and the sentence.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "initramfs/mountroot.h"
#include "initramfs/tags.h"
#include "initramfs/test/words.h"

/* Instead of the C library's, with what musl has in the same object. */
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

static void show_partition(const struct tags_partition *partition, void *context)
{
	(void)context;
	printf("%u %s %s\n", partition->number, partition->uuid ? partition->uuid : "-",
		partition->name ? partition->name : "-");
}

static int show_mount(int fd, const char *words)
{
	struct device device = { .name = "image", .dev = -1, .fd = fd };
	struct devices devices = { .at = { &device }, .count = 1, .dev = -1 };
	struct request request;
	struct fault fault = { "" };
	char text[256];
	int err;

	(void)snprintf(text, sizeof text, "root=/dev/image %s", words);
	request = parse_words(text);
	err = mountroot_device(&request, &devices, &device, "/sysroot", &fault);
	printf("%d\n%s\n", err, fault.sentence);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc >= 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
	struct tags tags, marks[TAGS_MARKS_MAX];
	bool sure;
	int err;

	if (fd < 0)
		return 2;
	if (!strcmp(argv[1], "mount"))
		return show_mount(fd, argc > 3 ? argv[3] : "");
	if (!strcmp(argv[1], "marks")) {
		size_t count = tags_marks(fd, marks);

		for (size_t i = 0; i < count; i++)
			printf("%s %d\n", marks[i].type, marks[i].filesystem);
		return 0;
	}
	if (!strcmp(argv[1], "table") || !strcmp(argv[1], "gpt")) {
		err = tags_partitions(fd, !strcmp(argv[1], "gpt"), show_partition, NULL);
		printf("%d\n", err);
		return 0;
	}
	err = !strcmp(argv[1], "read") ? tags_read(fd, &tags) : tags_guess(fd, &sure, &tags);
	printf("%d\n%s\n%d\n%s\n%s\n", err, tags.type, tags.filesystem, tags.uuid, tags.label);
	return 0;
}
