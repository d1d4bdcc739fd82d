/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of block devices, from a fake /sys. */
#include <errno.h>
#include <sys/sysmacros.h>

#include "initramfs/test/fakefind.h"
#include "initramfs/uevent.h"

static void order(void **state)
{
	struct faketree *tree = *state;
	static const struct {
		const char *path;
		int partition;
	} added[] = {
		{ "nvme0n1/nvme0n1p10", 10 },
		{ "sdaa", 0 },
		{ "sda/sda10", 10 },
		{ "mmcblk0", 0 },
		{ "sdb", 0 },
		{ "cciss!c0d0/cciss!c0d0p1", 1 },
		{ "sda/sda1", 1 },
		{ "mmcblk0/mmcblk0boot0", 0 },
		{ "sdaa/sdaa1", 1 },
		{ "sda", 0 },
		{ "nvme0n1/nvme0n1p2", 2 },
		{ "vda", 0 },
		{ "mmcblk0/mmcblk0p1", 1 },
		{ "cciss!c0d0", 0 },
		{ "nvme0n1", 0 },
		{ "sda/sda2", 2 },
	};
	static const struct {
		const char *name, *disk;
		unsigned partition;
	} sorted[] = {
		{ "sda", "", 0 },
		{ "sda1", "sda", 1 },
		{ "sda2", "sda", 2 },
		{ "sda10", "sda", 10 },
		{ "sdb", "", 0 },
		{ "vda", "", 0 },
		{ "sdaa", "", 0 },
		{ "sdaa1", "sdaa", 1 },
		{ "mmcblk0", "", 0 },
		{ "mmcblk0p1", "mmcblk0", 1 },
		{ "nvme0n1", "", 0 },
		{ "nvme0n1p2", "nvme0n1", 2 },
		{ "nvme0n1p10", "nvme0n1", 10 },
		{ "cciss/c0d0", "", 0 },
		{ "cciss/c0d0p1", "cciss/c0d0", 1 },
		{ "mmcblk0boot0", "", 0 },
	};
	size_t count = sizeof added / sizeof *added;

	for (size_t i = 0; i < count; i++)
		tree_add_usual(tree, added[i].path, (int)i, added[i].partition);
	scan(tree);
	assert_int_equal(tree->devices.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct device *device = tree->devices.at[i];

		assert_string_equal(device->name, sorted[i].name);
		assert_string_equal(device->disk, sorted[i].disk);
		assert_int_equal(device->partition, sorted[i].partition);
	}
	assert_string_equal(find(tree, "/dev/cciss/c0d0p1", 0), "cciss/c0d0p1");
	assert_string_equal(find(tree, "/dev/sda1", 0), "sda1");
	assert_string_equal(find(tree, "/dev/sdc", 0), "");
	assert_string_equal(find(tree, "8:10", 0), "nvme0n1p2");
	assert_string_equal(find(tree, "0x80a", 0), "nvme0n1p2");
	assert_string_equal(find(tree, "9:10", 0), "");
}

/* Entries that are not devices or cannot be read are left out; long names are not cut. */
static void odd_entries(void **state)
{
	struct faketree *tree = *state;
	char text[512];

	tree_add(tree, "no-name", "MAJOR=8\nMINOR=0\nDEVTYPE=disk\n");
	tree_add(tree, "no-major", "MINOR=0\nDEVNAME=a\n");
	tree_add(tree, "no-minor", "MAJOR=8\nDEVNAME=b\n");
	tree_add(tree, "empty", "");
	tree_add(tree, "cut", "MAJOR=8\nDEVNAME=c\nMINOR=1");
	tree_add(tree, ".hidden", "MAJOR=8\nMINOR=0\nDEVNAME=hidden\n");
	tree_write(tree_path(tree, "sys/class/block/folder", "uevent"),
		"MAJOR=8\nMINOR=1\nDEVNAME=d\n", 26);
	(void)snprintf(text, sizeof text, "MAJOR=8\nMINOR=1\nDEVNAME=%064d\n", 0);
	tree_add(tree, "long-name", text);
	tree_remove(tree, "x");
	assert_int_equal(
		symlink("../../devices/gone", tree_path(tree, "sys/class/block", "gone")), 0);
	scan(tree);
	assert_int_equal(tree->devices.count, 0);

	(void)snprintf(text, sizeof text,
		"MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=%0128d\n"
		"PARTUUID=%064d\n",
		0, 0);
	tree_add(tree, "sda/sda1", text);
	scan(tree);
	assert_int_equal(tree->devices.count, 1);
	assert_string_equal(tree->devices.at[0]->partlabel, "");
	assert_string_equal(tree->devices.at[0]->partuuid, "");
	assert_false(tree->devices.at[0]->table_read);
	assert_string_equal(find(tree, "PARTLABEL=0", 0), "");
}

static void comes_and_goes(void **state)
{
	struct faketree *tree = *state;
	struct device *sda;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sdb", 16, 0);
	tree_make_fs(tree, "sda", "one");
	tree_make_fs(tree, "sdb", "two");
	scan(tree);
	sda = get(tree, "sda");
	assert_string_equal(find(tree, "LABEL=one", 0), "sda");
	tree_remove(tree, "sdb");
	tree_add_usual(tree, "sdc", 32, 0);
	scan(tree);
	/* Devices that are still there keep what was read of them. */
	assert_ptr_equal(get(tree, "sda"), sda);
	assert_true(sda->probed && sda->fd >= 0);
	assert_null(get(tree, "sdb"));
	assert_non_null(get(tree, "sdc"));
	assert_string_equal(find(tree, "LABEL=two", 0), "");
	/* The same name is another device now. */
	tree_remove(tree, "sda");
	tree_add_usual(tree, "sda", 48, 0);
	tree_make_fs(tree, "sda", "three");
	scan(tree);
	assert_int_equal(minor(get(tree, "sda")->number), 48);
	assert_string_equal(find(tree, "LABEL=one", 0), "");
	assert_string_equal(find(tree, "LABEL=three", 0), "sda");
}

static void too_many(void **state)
{
	struct faketree *tree = *state;
	char name[32];

	for (int i = 0; i < DEVICES_MAX; i++) {
		(void)snprintf(name, sizeof name, "disk%d", i);
		tree_add_usual(tree, name, i, 0);
	}
	scan(tree);
	assert_int_equal(tree->devices.count, DEVICES_MAX);
	tree_add_usual(tree, "onemore", 999, 0);
	assert_int_equal(devices_scan(&tree->devices, tree->class), -ENOSPC);
	tree_remove(tree, "onemore");
	scan(tree);
	assert_int_equal(tree->devices.count, DEVICES_MAX);
}

static void no_class(void **state)
{
	struct faketree *tree = *state;

	assert_int_equal(devices_scan(&tree->devices, -1), -EBADF);
}

static void messages(void **state)
{
	struct faketree *tree = *state;
	static const char no_name[] = "add@/x\0SUBSYSTEM=block";
	static const char not_ended[] = { 'S', 'U', 'B', 'S', 'Y', 'S', 'T', 'E', 'M', '=', 'b',
		'l', 'o', 'c', 'k' };
	static char big[4097];

	tree_add_usual(tree, "sda", 0, 0);
	scan(tree);
	device_probe(get(tree, "sda"));
	assert_false(devices_event(&tree->devices, "", 0));
	assert_false(devices_event(&tree->devices, "", 1));
	assert_false(devices_event(&tree->devices, not_ended, sizeof not_ended));
	assert_true(devices_event(&tree->devices, no_name, sizeof no_name));
	assert_true(get(tree, "sda")->probed);
	memcpy(big, no_name, sizeof no_name);
	assert_true(devices_event(&tree->devices, big, sizeof big - 1));
	/* A message that is too long may be about any device. */
	assert_true(devices_event(&tree->devices, big, sizeof big));
}

/* A descriptor that is not a device gives another error than an empty device. */
static void no_device(void **state)
{
	struct faketree *tree = *state;
	struct tags tags, found[PROBE_SIGNATURES_MAX];
	bool sure = true;

	assert_int_equal(probe_read(tree->class, &tags), -EINVAL);
	assert_int_equal(probe_guess(tree->class, &sure, &tags), -EINVAL);
	assert_false(sure);
	assert_int_equal(probe_signatures(tree->class, found), 0);
	assert_int_equal(probe_partitions(tree->class, false, NULL, NULL), -EINVAL);
}

/* Any user may open the socket, if the kernel has netlink. */
static void listens(void **state)
{
	char message[64];
	int fd = uevent_open();

	(void)state;
	if (fd < 0)
		skip();
	assert_true(uevent_wait(fd, 0, message, sizeof message) <= 0);
	close(fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(order),
		TEST(odd_entries),
		TEST(comes_and_goes),
		TEST(too_many),
		TEST(no_class),
		TEST(messages),
		TEST(no_device),
		TEST(listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
