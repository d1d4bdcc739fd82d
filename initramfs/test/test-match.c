/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which block device root= names, according to the devices' contents. */
#include <errno.h>

#include "initramfs/test/fakefind.h"

static void partuuids(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	tree_add_usual(tree, "sda/sda2", 2, 2);
	make_table(tree, "sda",
		"label: gpt\\nsize=1M, uuid=11111111-1111-4111-8111-111111111111\\n"
		"size=1M, uuid=22222222-2222-4222-8222-22222222ABCD\\n");
	tree_add_usual(tree, "sdb", 16, 0);
	tree_add_usual(tree, "sdb/sdb1", 17, 1);
	tree_add_usual(tree, "sdb/sdb2", 18, 2);
	tree_add_usual(tree, "sdb/sdb5", 21, 5);
	make_table(
		tree, "sdb", "label: dos\\nlabel-id: 0x1a2b3c4d\\nsize=1M\\ntype=5\\nsize=1M\\n");
	/* Linux 6.10 and later have PARTUUID in uevent; this disk is empty. */
	tree_add_usual(tree, "sdc", 32, 0);
	tree_add(tree, "sdc/sdc1",
		"MAJOR=8\nMINOR=33\nDEVNAME=sdc1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=my root\n"
		"PARTUUID=33333333-3333-4333-8333-333333333333\n");
	tree_write(tree_path(tree, "dev", "sdc1"), "", 0);
	/* A partition whose disk cannot be opened. */
	tree_add_usual(tree, "sdd", 48, 0);
	tree_add_usual(tree, "sdd/sdd1", 49, 1);
	unlink(tree_path(tree, "dev", "sdd"));
	scan(tree);

	assert_string_equal(find(tree, "PARTUUID=22222222-2222-4222-8222-22222222abcd", 0), "sda2");
	assert_string_equal(find(tree, "PARTUUID=22222222-2222-4222-8222-22222222ABCD", 0), "sda2");
	assert_string_equal(find(tree, "PARTUUID=1A2B3C4D-05", 0), "sdb5");
	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-03", 0), "");
	assert_string_equal(find(tree, "PARTUUID=33333333-3333-4333-8333-333333333333", 0), "sdc1");
	assert_int_equal(get(tree, "sdc")->fd, -1);
	assert_string_equal(find(tree, "PARTLABEL=my root", 0), "sdc1");
	assert_string_equal(find(tree, "PARTLABEL=My root", 0), "");

	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-01/PARTNROFF=1", 0), "sdb2");
	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-05/PARTNROFF=-4", 0), "sdb1");
	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-05/PARTNROFF=0", 0), "sdb5");
	/* PARTNROFF leads neither to another disk nor to the disk itself. */
	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-01/PARTNROFF=2", 0), "");
	assert_string_equal(find(tree, "PARTUUID=1a2b3c4d-01/PARTNROFF=-1", 0), "");
}

/* A table is read once, and again after a uevent of the disk or a partition. */
static void table_changes(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x1\\nsize=1M\\n");
	scan(tree);
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sda1");
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x2\\nsize=1M\\n");
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sda1");
	assert_true(event(tree, "sda", "block"));
	assert_string_equal(find(tree, "PARTUUID=00000002-01", 0), "sda1");
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "");
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x3\\nsize=1M\\n");
	assert_true(event(tree, "sda1", "block"));
	assert_string_equal(find(tree, "PARTUUID=00000003-01", 0), "sda1");
}

static void tags(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	tree_add_usual(tree, "sda/sda2", 2, 2);
	tree_add_usual(tree, "sdb", 16, 0);
	tree_add_usual(tree, "sdaa", 32, 0);
	/* A superblock left over from before the disk was partitioned. */
	tree_make_fs(tree, "sda", "my root");
	tree_make_fs(tree, "sda1", "other");
	tree_make_fs(tree, "sda2", "my root");
	tree_make_fs(tree, "sdb", "my root");
	tree_make_fs(tree, "sdaa", "MY root");
	scan(tree);
	assert_string_equal(find(tree, "LABEL=my root", 1), "sda2");
	assert_int_equal(get(tree, "sda")->fd, -1);
	assert_string_equal(find(tree, "LABEL=MY root", 0), "sdaa");
	assert_string_equal(find(tree, "LABEL=my", 0), "");
	assert_string_equal(find(tree, "UUID=" TREE_UUID, 3), "sda1");
	assert_string_equal(find(tree, "UUID=5CA1AB1E-1234-4ABC-8DEF-00000000BEEF", 3), "sda1");
	assert_string_equal(find(tree, "UUID=5ca1ab1e", 0), "");
	/* Its tags were read, so the device was not skipped because of its name. */
	assert_string_equal(get(tree, "sda2")->tags.type, "ext4");
	assert_int_equal(get(tree, "sda2")->error, 0);
}

/* Only the matching device stays open, because there may be more devices than descriptors. */
static void closes_the_others(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sdb", 16, 0);
	tree_add_usual(tree, "sdb/sdb1", 17, 1);
	tree_make_fs(tree, "sda", "one");
	tree_make_fs(tree, "sdb1", "two");
	make_table(tree, "sdb", "label: dos\\nlabel-id: 0x1\\nsize=1M\\n");
	scan(tree);
	assert_string_equal(find(tree, "LABEL=two", 0), "sdb1");
	assert_int_equal(get(tree, "sda")->fd, -1);
	assert_true(get(tree, "sdb1")->fd >= 0);
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sdb1");
	assert_int_equal(get(tree, "sdb")->fd, -1);
}

/* A new partition with the name and number of an old one is not mistaken for it. */
static void replaced(void **state)
{
	struct faketree *tree = *state;
	const char *uevent = "MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\nPARTN=2\n"
			     "PARTNAME=new\nPARTUUID=1-1\n";

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x1\\nsize=1M\\n");
	scan(tree);
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sda1");
	tree_write(tree_path(tree, "sys/devices/pci0/sda/sda1", "uevent"), uevent, strlen(uevent));
	scan(tree);
	assert_string_equal(find(tree, "PARTLABEL=new", 0), "sda1");
	assert_int_equal(get(tree, "sda1")->partition, 2);
	assert_string_equal(find(tree, "PARTUUID=1-1", 0), "sda1");
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "");
}

/* After a table is removed, its PARTUUIDs no longer match. */
static void table_goes(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x1\\nsize=1M\\n");
	scan(tree);
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sda1");
	tree_make_fs(tree, "sda", "x");
	assert_true(event(tree, "sda", "block"));
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "");
}

/* Of two devices that match, only the one that can be opened counts. */
static void one_answers(void **state)
{
	struct faketree *tree = *state;

	tree_add(tree, "sda/sda1",
		"MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=root\n");
	tree_add(tree, "sdb/sdb1",
		"MAJOR=8\nMINOR=17\nDEVNAME=sdb1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=root\n");
	tree_write(tree_path(tree, "dev", "sdb1"), "", 0);
	scan(tree);
	assert_string_equal(find(tree, "PARTLABEL=root", 0), "sdb1");
}

/* After an error a device is tried again, because its node may only be late. */
static void errors_pass(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	unlink(tree_path(tree, "dev", "sda1"));
	unlink(tree_path(tree, "dev", "sda"));
	scan(tree);
	assert_string_equal(find(tree, "LABEL=root", 0), "");
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "");
	tree_make_fs(tree, "sda1", "root");
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x1\\nsize=1M\\n");
	assert_string_equal(find(tree, "LABEL=root", 0), "sda1");
	assert_string_equal(find(tree, "PARTUUID=00000001-01", 0), "sda1");
}

/* A device is read once, and again after a uevent of it or its disk. */
static void contents_change(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	tree_add_usual(tree, "sdaa", 16, 0);
	tree_make_fs(tree, "sda1", "old");
	scan(tree);
	assert_string_equal(find(tree, "LABEL=old", 0), "sda1");
	tree_make_fs(tree, "sda1", "new");
	assert_string_equal(find(tree, "LABEL=new", 0), "");
	/* Not after uevents of other devices or subsystems. */
	assert_true(event(tree, "sdaa", "block"));
	assert_false(event(tree, "sda1", "bdi"));
	assert_false(event(tree, "sda1", "blocks"));
	assert_string_equal(find(tree, "LABEL=new", 0), "");
	assert_true(event(tree, "sda1", "block"));
	assert_string_equal(find(tree, "LABEL=new", 0), "sda1");
	assert_string_equal(find(tree, "LABEL=old", 0), "");
	tree_make_fs(tree, "sda1", "newer");
	/* A uevent of the disk counts for its partitions. */
	assert_true(event(tree, "sda", "block"));
	assert_string_equal(find(tree, "LABEL=newer", 0), "sda1");
}

static void never_read(void **state)
{
	static const char *const names[] = { "fd0", "mtdblock0", "ram0", "zram0", "loop0" };
	static const bool listed[] = { true, true, false, false, false };
	struct faketree *tree = *state;
	char root[32];

	for (int i = 0; i < 5; i++) {
		tree_add_usual(tree, names[i], i, 0);
		tree_make_fs(tree, names[i], "root");
	}
	scan(tree);
	assert_string_equal(find(tree, "LABEL=root", 0), "");
	for (int i = 0; i < 5; i++) {
		struct device *device = get(tree, names[i]);

		assert_int_equal(device->fd, -1);
		assert_false(devices_may_be_read(&tree->devices, device));
		assert_int_equal(device_is_listed(device), listed[i]);
		(void)snprintf(root, sizeof root, "/dev/%s", names[i]);
		assert_string_equal(find(tree, root, 0), names[i]);
		/* A device that root= names is read. */
		device_probe(device);
		assert_string_equal(device->tags.label, "root");
	}
}

/* Overwrites a part of a device. */
static void write_over(
	struct faketree *tree, const char *name, long offset, const void *data, size_t size)
{
	FILE *file = fopen(tree_path(tree, "dev", name), "r+b");

	assert_non_null(file);
	/* libblkid does not look for containers on a device of a floppy's size. */
	assert_int_equal(ftruncate(fileno(file), 8 << 20), 0);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* A file system with another signature over it does not match, but is marked as doubtful. */
static void below_something_else(void **state)
{
	static const char raid[] = "Intel Raid ISM Cfg Sig. 1.0.00";
	static const char squashfs[96] = { 'h', 's', 'q', 's', [28] = 4 };
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sdb", 16, 0);
	tree_add_usual(tree, "sdc", 32, 0);
	tree_make_fs(tree, "sda", "root");
	tree_make_fs(tree, "sdb", "root");
	tree_make_fs(tree, "sdc", "other");
	write_over(tree, "sda", (8 << 20) - 1024, raid, sizeof raid - 1);
	write_over(tree, "sdb", 0, squashfs, sizeof squashfs);
	write_over(tree, "sdc", (8 << 20) - 1024, raid, sizeof raid - 1);
	scan(tree);
	assert_string_equal(find(tree, "LABEL=root", 0), "");
	assert_string_equal(get(tree, "sda")->tags.type, "isw_raid_member");
	assert_false(get(tree, "sda")->tags.filesystem);
	assert_true(get(tree, "sda")->doubtful);
	assert_int_equal(get(tree, "sda")->fd, -1);
	assert_int_equal(get(tree, "sdb")->error, -ENOTUNIQ);
	assert_true(get(tree, "sdb")->doubtful);
	assert_false(get(tree, "sdc")->doubtful);
	/* It matches after the leftover is removed. */
	tree_make_fs(tree, "sdb", "root");
	assert_true(event(tree, "sdb", "block"));
	assert_false(get(tree, "sdb")->doubtful);
	assert_string_equal(find(tree, "LABEL=root", 0), "sdb");
}

/* A GPT without a protective MBR counts only if the command line has gpt. */
static void gpt_alone(void **state)
{
	struct faketree *tree = *state;
	const char *root = "PARTUUID=11111111-1111-4111-8111-111111111111";
	static const char zeros[512];

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	make_table(
		tree, "sda", "label: gpt\\nsize=1M, uuid=11111111-1111-4111-8111-111111111111\\n");
	scan(tree);
	assert_string_equal(find(tree, root, 0), "sda1");
	write_over(tree, "sda", 0, zeros, sizeof zeros);
	assert_true(event(tree, "sda", "block"));
	assert_string_equal(find(tree, root, 0), "");
	assert_true(event(tree, "sda", "block"));
	tree->devices.force_gpt = true;
	assert_string_equal(find(tree, root, 0), "sda1");
}

/* The kernel's PARTNAME has "!" for each UTF-16 unit outside ASCII; the table has the real name. */
static void partlabels(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add(tree, "sda/sda1",
		"MAJOR=8\nMINOR=1\nDEVNAME=sda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=W!rzel\n"
		"PARTUUID=11111111-1111-4111-8111-111111111111\n");
	tree_add(tree, "sda/sda2",
		"MAJOR=8\nMINOR=2\nDEVNAME=sda2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=plain\n");
	tree_write(tree_path(tree, "dev", "sda1"), "", 0);
	tree_write(tree_path(tree, "dev", "sda2"), "", 0);
	make_table(tree, "sda",
		"label: gpt\\nsize=1M, uuid=11111111-1111-4111-8111-111111111111, name=\"W\303\274rzel\"\\nsize=1M, name=plain\\n");
	scan(tree);
	/* The kernel's form of the name matches without reading the table. */
	assert_string_equal(find(tree, "PARTLABEL=W!rzel", 0), "sda1");
	assert_string_equal(find(tree, "PARTLABEL=plain", 0), "sda2");
	assert_false(get(tree, "sda1")->name_read);
	assert_string_equal(find(tree, "PARTLABEL=W\303\274rzel", 0), "sda1");
	assert_string_equal(find(tree, "/dev/disk/by-partlabel/W\303\274rzel", 0), "sda1");
	assert_string_equal(find(tree, "PARTLABEL=W\303\244rzel", 0), "");
	/* After the table is removed, its names no longer match. */
	tree_make_fs(tree, "sda", "x");
	assert_true(event(tree, "sda", "block"));
	assert_string_equal(find(tree, "PARTLABEL=W\303\274rzel", 0), "");
}

/* A device without a node or with read errors does not prevent others from matching. */
static void unreadable(void **state)
{
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	tree_add_usual(tree, "sdb", 2, 0);
	tree_add_usual(tree, "sdc", 3, 0);
	unlink(tree_path(tree, "dev", "sda1"));
	tree_make_fs(tree, "sdc", "root");
	scan(tree);
	assert_string_equal(find(tree, "LABEL=root", 0), "sdc");
	assert_int_equal(get(tree, "sda1")->error, -ENOENT);
	assert_true(get(tree, "sdb")->error < 0);
	assert_string_equal(find(tree, "PARTUUID=1-2", 0), "");
}

/* A device is in /sys before it has a node; it matches after the uevent that follows. */
static void not_yet_there(void **state)
{
	static const char *const roots[] = { "/dev/sda2", "8:2", "PARTLABEL=root",
		"PARTUUID=00000001-02", "PARTUUID=00000001-01/PARTNROFF=1" };
	struct faketree *tree = *state;

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sda/sda1", 1, 1);
	tree_add(tree, "sda/sda2",
		"MAJOR=8\nMINOR=2\nDEVNAME=sda2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=root\n");
	make_table(tree, "sda", "label: dos\\nlabel-id: 0x1\\nsize=1M\\nsize=1M\\n");
	scan(tree);
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		assert_string_equal(find(tree, roots[i], 0), "");
	tree_write(tree_path(tree, "dev", "sda2"), "", 0);
	assert_true(event(tree, "sda2", "block"));
	for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
		assert_string_equal(find(tree, roots[i], 0), "sda2");
}

/* The devices of one btrfs share UUID and label without a warning; a copy gives a warning. */
static void one_btrfs(void **state)
{
	struct faketree *tree = *state;
	char command[2048];

	tree_add_usual(tree, "sda", 0, 0);
	tree_add_usual(tree, "sdb", 16, 0);
	tree_add_usual(tree, "sdc", 32, 0);
	(void)snprintf(command, sizeof command,
		"PATH=$PATH:/usr/sbin:/sbin; cd '%.512s/dev' && truncate -s 200M sda sdb && "
		"mkfs.btrfs -q -U " TREE_UUID " -L root sda sdb",
		tree->top);
	assert_int_equal(system(command), 0);
	scan(tree);
	assert_string_equal(find(tree, "LABEL=root", 0), "sda");
	assert_string_equal(find(tree, "UUID=" TREE_UUID, 0), "sda");
	(void)snprintf(command, sizeof command, "cd '%.512s/dev' && cp --sparse=always sda sdc",
		tree->top);
	assert_int_equal(system(command), 0);
	assert_true(event(tree, "sdc", "block"));
	assert_string_equal(find(tree, "UUID=" TREE_UUID, 1), "sda");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(partuuids),
		TEST(table_changes),
		TEST(tags),
		TEST(closes_the_others),
		TEST(replaced),
		TEST(table_goes),
		TEST(one_answers),
		TEST(errors_pass),
		TEST(contents_change),
		TEST(never_read),
		TEST(below_something_else),
		TEST(gpt_alone),
		TEST(partlabels),
		TEST(unreadable),
		TEST(not_yet_there),
		TEST(one_btrfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
