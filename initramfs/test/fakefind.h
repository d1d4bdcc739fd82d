/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fakefind: helpers for tests of the list of devices in a faketree. */
#pragma once

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "initramfs/match.h"
#include "initramfs/test/faketree.h"
#include "prepare-root/log.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static inline unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static inline int setup(void **state)
{
	static struct faketree tree;

	tree_make(&tree);
	*state = &tree;
	return 0;
}

/* Fails if a descriptor of a removed device is still open. */
static inline int teardown(void **state)
{
	struct faketree *tree = *state;
	unsigned before = open_descriptors(), held = 2;

	for (size_t i = 0; i < tree->devices.count; i++)
		held += tree->devices.at[i]->fd >= 0;
	tree_end(tree);
	return open_descriptors() != before - held;
}

static inline void scan(struct faketree *tree)
{
	assert_int_equal(devices_scan(&tree->devices, tree->class), 0);
}

static inline void make_table(struct faketree *tree, const char *name, const char *table)
{
	const char *path = tree_path(tree, "dev", name);
	char command[1024];

	tree_write(path, "", 0);
	(void)snprintf(command, sizeof command,
		"PATH=$PATH:/usr/sbin:/sbin; truncate -s 8M %.64s && printf '%.512s' | sfdisk -q %.64s",
		path, table, path);
	assert_int_equal(system(command), 0);
}

/* Returns the name of the device that root= names, or "". */
static inline const char *find(struct faketree *tree, const char *root, unsigned others)
{
	struct device *device;
	struct rootspec spec;
	struct fault fault;
	unsigned more = 99;

	print_message("# %s\n", root);
	assert_int_equal(rootspec_parse(root, NULL, &spec, &fault), 0);
	device = match_find(&tree->devices, &spec, &more);
	assert_int_equal(more, others);
	return device ? device->name : "";
}

static inline bool event(struct faketree *tree, const char *name, const char *subsystem)
{
	char message[256];
	int size = snprintf(message, sizeof message,
		"change@/devices/pci0/%s%cACTION=change%cSUBSYSTEM=%s%cDEVNAME=%s%cSEQNUM=1%c",
		name, 0, 0, subsystem, 0, name, 0, 0);

	return devices_event(&tree->devices, message, (size_t)size);
}

static inline struct device *get(struct faketree *tree, const char *name)
{
	for (size_t i = 0; i < tree->devices.count; i++)
		if (!strcmp(tree->devices.at[i]->name, name))
			return tree->devices.at[i];
	return NULL;
}
