/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any bytes as the uevent file of a device and as the kernel's message: no access outside the
 * bytes, and all names in the list fit into their fields.
 */
#include <stdint.h>

#include "initramfs/test/faketree.h"

static void check(const struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct device *device = devices->at[i];

		if (strlen(device->name) >= sizeof device->name ||
			strlen(device->disk) >= sizeof device->disk ||
			strlen(device->partlabel) >= sizeof device->partlabel ||
			strlen(device->partuuid) >= sizeof device->partuuid || device->probed)
			abort();
	}
}

static struct faketree tree;

static void end(void)
{
	tree_end(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	if (!tree.class) {
		tree_make(&tree);
		tree_add_usual(&tree, "sda", 0, 0);
		tree_add(&tree, "pci1/sdb/sdb1", "");
		atexit(end);
	}
	tree_write(tree_path(&tree, "sys/devices/pci0/pci1/sdb/sdb1", "uevent"), text, size);
	if (devices_scan(&tree.devices, tree.class) || tree.devices.count < 1 ||
		tree.devices.count > 2)
		abort();
	check(&tree.devices);
	/* The message may be cut anywhere. */
	devices_event(&tree.devices, text, size);
	for (char *line = text; (line = memchr(line, '\n', size - (size_t)(line - text)));)
		*line = 0;
	devices_event(&tree.devices, text, size);
	check(&tree.devices);
	free(text);
	return 0;
}
