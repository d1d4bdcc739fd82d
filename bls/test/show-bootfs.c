/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shows the results of bls/bootfs.h: "find DIR" and "look-up TABLE ID PATH" print PATH TYPE DEVICE
 * UUID ERROR or the errno; "same DIR DIR" and "uuid FILE" print what the functions return.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bls/bootfs.h"

static const char *or_none(const char *text)
{
	return text ? text : "-";
}

static int show(int err, struct bootfs *bootfs)
{
	const char *path = bootfs->path && !*bootfs->path ? "/" : or_none(bootfs->path);

	if (err)
		printf("%d\n", err);
	else
		printf("%s %s %s %s %d\n", path, or_none(bootfs->type), or_none(bootfs->device),
			or_none(bootfs->uuid), bootfs->error);
	bootfs_free(bootfs);
	return 0;
}

static int find(const char *path)
{
	struct bootfs bootfs;
	int err = bootfs_find(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), &bootfs);

	return show(err, &bootfs);
}

static int look_up(const char *table, const char *id, const char *path)
{
	struct bootfs bootfs;
	int err = bootfs_look_up(table, (int)strtol(id, NULL, 10), path, &bootfs);

	return show(err, &bootfs);
}

static int same(const char *one, const char *other)
{
	printf("%d\n", bootfs_same(open(one, O_PATH | O_DIRECTORY | O_CLOEXEC),
			       open(other, O_PATH | O_DIRECTORY | O_CLOEXEC)));
	return 0;
}

static int uuid(const char *path)
{
	char *value;
	int err = bootfs_uuid(open(path, O_RDONLY | O_CLOEXEC), &value);

	printf("%d %s\n", err, or_none(value));
	free(value);
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc == 3 && !strcmp(argv[1], "find"))
		return find(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "uuid"))
		return uuid(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "same"))
		return same(argv[2], argv[3]);
	if (argc == 5 && !strcmp(argv[1], "look-up"))
		return look_up(argv[2], argv[3], argv[4]);
	return 2;
}
