/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages about a device that is awaited, that exists twice, or that never appears. */
#include "initramfs/test/fakewait.h"

static void make(const char *name, const char *command)
{
	char line[512];

	(void)snprintf(line, sizeof line,
		"PATH=$PATH:/usr/sbin:/sbin; truncate -s 4M %s/dev/%s && %s%s/dev/%s", tree.top,
		name, command, tree.top, name);
	assert_int_equal(system(line), 0);
}

static void two_of_them(void **state)
{
	struct search search = begin("root=LABEL=twins");
	uint64_t time;

	(void)state;
	tree_add_usual(&tree, "sdaa", 1, 0);
	tree_add_usual(&tree, "sdb", 2, 0);
	make("sdaa", "mke2fs -q -F -L twins ");
	make("sdb", "mke2fs -q -F -L twins ");
	assert_string_equal(look(&search, &time), "sdb");
	assert_string_equal(said(),
		"<28>rootstock: more than one device matches root=LABEL=twins; using sdb, the first in the order of names, sda before sdb\n");
}

static void nothing_there(void **state)
{
	struct search search = begin("root=/dev/sda rootwait=6");
	uint64_t time;

	(void)state;
	tree_add_usual(&tree, "loop0", 1, 0);
	tree_add_usual(&tree, "ram0", 2, 0);
	assert_string_equal(look(&search, &time),
		"no device matches root=/dev/sda, after 6 seconds; there is no block device at all: the disk's driver must be in the kernel, or its module in the initramfs");
	assert_string_equal(said(),
		"<29>rootstock: waiting for root=/dev/sda, 5 seconds so far; block devices: none\n");
}

/* The messages about a source that is not a block device list no block devices. */
static void source(void **state)
{
	struct search search = begin("root=ubi0:root rootwait=6");

	(void)state;
	search.class = -1;
	assert_int_equal(search_wait(&search), -ETIMEDOUT);
	assert_string_equal(
		said(), "<29>rootstock: waiting for root=ubi0:root, 5 seconds so far\n");

	search = begin("root=ubi0:root rootwait=6");
	search.class = -1;
	search.trouble = "cannot mount it";
	assert_int_equal(search_wait(&search), -ETIMEDOUT);
	assert_string_equal(said(),
		"<29>rootstock: waiting for root=ubi0:root, 5 seconds so far; cannot mount it\n");
}

/* The message lists every device that root= could name, so that a typo is easy to see; a device
 * with two signatures has no tags. */
static void what_there_was(void **state)
{
	struct search search = begin("root=/dev/sdx9 rootwait=0");
	uint64_t time;

	(void)state;
	tree_add_usual(&tree, "sdb", 16, 0);
	tree_add(&tree, "sdb/sdb1",
		"MAJOR=8\nMINOR=17\nDEVNAME=sdb1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=my part\n");
	tree_add_usual(&tree, "sda", 0, 0);
	tree_add_usual(&tree, "sdc", 32, 0);
	tree_add_usual(&tree, "sdd", 40, 0);
	unlink(tree_path(&tree, "dev", "sdd"));
	tree_add_usual(&tree, "fd0", 48, 0);
	make("fd0", "mke2fs -q -F -L floppy ");
	make("sda", "mke2fs -q -F -L 'my root' -U 5ca1ab1e-1234-4abc-8def-00000000beef ");
	make("sdb", "printf 'label: dos\\nlabel-id: 0x1\\nsize=1M\\n' | sfdisk -q ");
	make("sdb1", "mkswap -q -U 5ca1ab1e-1234-4abc-8def-00000000cafe ");
	make("sdc", "mke2fs -q -F ");
	make("sdc", "printf 'hsqs%024d\\4' 0 | dd status=none conv=notrunc of=");
	assert_string_equal(look(&search, &time),
		"no device matches root=/dev/sdx9, after 0 seconds; is it one of those listed above?");
	assert_string_equal(said(),
		"<27>rootstock: block devices found:\n"
		"<27>rootstock:   fd0\n"
		"<27>rootstock:   sda ext2 UUID=5ca1ab1e-1234-4abc-8def-00000000beef LABEL=my root\n"
		"<27>rootstock:   sdb\n"
		"<27>rootstock:   sdb1 swap UUID=5ca1ab1e-1234-4abc-8def-00000000cafe PARTUUID=00000001-01 PARTLABEL=my part\n"
		"<27>rootstock:   sdc (signatures of ext2,squashfs)\n"
		"<27>rootstock:   sdd (cannot be read: No such file or directory)\n");
}

/* A device that has the tag under another signature is reported immediately, and again when the
 * time is over. */
static void below_a_raid(void **state)
{
	struct search search = begin("root=LABEL=mine rootwait=6");
	static const char message[] = "change@/x\0SUBSYSTEM=block\0DEVNAME=sdz";
	static const char sentence[] =
		"/dev/sda, which is root=LABEL=mine, has the signatures of isw_raid_member and of ext2, and is not mounted: if the former is left over, remove it from another system with wipefs --all --types isw_raid_member /dev/sda; if the root file system is inside, dracut with the module rootstock can open it";
	const char *text;
	uint64_t time;

	(void)state;
	tree_add_usual(&tree, "sda", 1, 0);
	make("sda", "mke2fs -q -F -L mine ");
	make("sda",
		"printf 'Intel Raid ISM Cfg Sig. 1.0.00' | dd status=none conv=notrunc seek=4193280 oflag=seek_bytes of=");
	/* A uevent about another device does not repeat the warning. */
	add_message(1000, message, sizeof message);
	assert_string_equal(look(&search, &time), sentence);
	assert_int_equal(time, 6000);
	text = said();
	assert_int_equal(occurs(text, "<28>rootstock: /dev/sda, which is root=LABEL=mine"), 1);
	assert_non_null(strstr(text, "waiting for root=LABEL=mine"));
	assert_non_null(strstr(text, "<27>rootstock:   sda isw_raid_member"));
}

/* The message about waiting is cut to one line; the list at the end is complete. */
static void many(void **state)
{
	struct search search = begin("root=/dev/sda rootwait=6");
	const char *text;
	uint64_t time;
	char name[32];

	(void)state;
	for (int i = 0; i < 60; i++) {
		(void)snprintf(name, sizeof name, "disk%d", 1000 + i);
		tree_add_usual(&tree, name, i, 0);
	}
	assert_non_null(strstr(look(&search, &time), "listed above"));
	text = said();
	assert_non_null(strstr(text, "block devices: disk1000 disk1001 "));
	/* 200 bytes, including " ...". */
	assert_non_null(strstr(text, " disk1020 ...\n"));
	assert_int_equal(occurs(text, "<27>rootstock:   disk"), 60);
	assert_int_equal(occurs(text, "disk1059"), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(two_of_them),
		TEST(nothing_there),
		TEST(source),
		TEST(what_there_was),
		TEST(below_a_raid),
		TEST(many),
	};

	return cmocka_run_group_tests(tests, log_begin, log_end);
}
