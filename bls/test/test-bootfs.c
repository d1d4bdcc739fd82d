/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forged mount tables, images of file systems, and devices without a UUID. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "bls/bootfs.h"

#define UUID "0fc63daf-8483-4772-8e79-3d69d8477de4"

/* No block device has the major number 511, or 0, which is for anonymous devices; /dev/null is not
 * a block device. */
static const char table[] =
	"29 20 511:2 /boot//deleted /old rw - ext4 /dev/gone2 rw\n"
	"20 1 511:2 / / rw shared:1 - ext4 /dev/gone2 rw\n"
	"21 20 511:1 / /boot rw - vfat /dev/gone1 rw\n"
	"22 20 511:2 /ostree/deploy/os/deploy/c.0 /mnt/a\\040b rw - ext4 /dev/gone2 rw\n"
	"23 22 511:2 /boot /mnt/a\\040b/boot rw,relatime shared:3 master:1 - ext4 /dev/root rw\n"
	"24 20 0:40 /@ /btrfs rw - btrfs /dev/null rw,subvolid=256,subvol=/@\n"
	"25 20 0:40 / /pool rw - btrfs /dev/null rw,subvolid=5,subvol=/\n"
	"26 20 0:41 / /net rw - nfs4 server:/export rw\n"
	"27 20 0:42 / /image rw - overlay overlay rw,lowerdir=/l\n"
	"28 20 0:42 /boot /image/boot rw - overlay overlay rw,lowerdir=/l\n"
	"30 20 0:40 /@,x/.snapshots/1/snap\\040shot /snap rw - btrfs /dev/null rw,subvolid=9,subvol=/@,x/.snapshots/1/snap\\040shot\n"
	"31 20 0:40 /@/a/boot /run/boot rw - btrfs /dev/null rw,subvolid=256,subvol=/@\n"
	"32 20 0:40 /@/a /work rw - btrfs /dev/null rw,subvolid=256,subvol=/@\n"
	"33 20 511:2 /home/me/tree /work rw - ext4 /dev/gone2 rw\n"
	"34 20 0:43 /@ /odd rw - other none rw,subvol=/@\n";

static const struct expected {
	int id;
	int result;
	const char *path;
	const char *inside;
	const char *type;
} cases[] = {
	{ 20, 0, "/boot", "/boot", "ext4" },
	{ 20, 0, "/", "", "ext4" },
	{ 21, 0, "/boot", "", "vfat" },
	/* Paths that are not below the mount point, and a mount that is not listed. */
	{ 21, -ENOENT, "/boot2", NULL, NULL },
	{ 21, -ENOENT, "/", NULL, NULL },
	{ 99, -ENOENT, "/boot", NULL, NULL },
	/* A directory called boot in a file system of its own, in a tree, or further down. */
	{ 21, 0, "/boot/boot", "/boot", "vfat" },
	{ 20, 0, "/home/me/tree/boot", NULL, NULL },
	{ 20, 0, "/boot/loader.1", NULL, NULL },
	{ 20, 0, "/boot2", NULL, NULL },
	/* /boot of a booted deployment: its own empty directory, or a bind mount of the disk's. */
	{ 22, 0, "/mnt/a b/boot", NULL, NULL },
	{ 23, 0, "/mnt/a b/boot", "/boot", "ext4" },
	/* GRUB counts paths from the top of a btrfs, not of a subvolume. */
	{ 24, 0, "/btrfs/boot", "/@/boot", "btrfs" },
	{ 24, 0, "/btrfs", "/@", "btrfs" },
	{ 24, 0, "/btrfs/tree/boot", NULL, NULL },
	{ 30, 0, "/snap/boot", "/@,x/.snapshots/1/snap shot/boot", "btrfs" },
	/* A directory of a subvolume, mounted as /boot, or as the working directory of a build. */
	{ 31, 0, "/run/boot", "/@/a/boot", "btrfs" },
	{ 32, 0, "/work/boot", NULL, NULL },
	{ 33, 0, "/work/boot", NULL, NULL },
	/* The option subvol= counts only for btrfs. */
	{ 34, 0, "/odd/boot", NULL, NULL },
	{ 25, 0, "/pool/boot", "/boot", "btrfs" },
	{ 25, 0, "/pool/@/boot", NULL, NULL },
	{ 26, 0, "/net/boot", "/boot", "nfs4" },
	{ 27, 0, "/image/boot", "/boot", "overlay" },
	{ 28, 0, "/image/boot", "/boot", "overlay" },
	{ 29, 0, "/old", NULL, NULL },
};

/* Returns a new open file, whose name the caller must remove. */
static int make_file(const char *text, char path[static sizeof "/tmp/test-bootfs-XXXXXX"])
{
	int fd;

	memcpy(path, "/tmp/test-bootfs-XXXXXX", sizeof "/tmp/test-bootfs-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void expect(const char *path, const struct expected *expected)
{
	struct bootfs bootfs;

	print_message("# %d %s\n", expected->id, expected->path);
	assert_int_equal(
		bootfs_look_up(path, expected->id, expected->path, &bootfs), expected->result);
	if (expected->inside)
		assert_string_equal(bootfs.path, expected->inside);
	else
		assert_null(bootfs.path);
	if (expected->type)
		assert_string_equal(bootfs.type, expected->type);
	else
		assert_null(bootfs.type);
	/* No source is taken as device, because none is a block device with the mount's number. */
	assert_null(bootfs.device);
	assert_null(bootfs.uuid);
	assert_int_equal(bootfs.error, 0);
	bootfs_free(&bootfs);
}

static void test_tables(void **state)
{
	char path[32];
	int fd = make_file(table, path);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect(path, &cases[i]);
	close(fd);
	unlink(path);
}

static void test_bad_tables(void **state)
{
	struct bootfs bootfs;
	char path[32];
	int fd = make_file("20 1 8:2 / / rw - ext4\n20 1 8:2\n", path);

	(void)state;
	assert_true(bootfs_look_up(path, 20, "/boot", &bootfs) < 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(bootfs_look_up(path, 20, "/boot", &bootfs), -ENOENT);
	close(fd);
	unlink(path);
	assert_int_equal(bootfs_look_up(path, 20, "/boot", &bootfs), -ENOENT);
}

/* Returns an image of 2 MiB with an ext4. */
static int make_image(char path[static sizeof "/tmp/test-bootfs-XXXXXX"])
{
	int fd = make_file("", path);
	char command[128];

	(void)snprintf(command, sizeof command,
		"PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F -t ext4 -U " UUID " %s 2M", path);
	assert_int_equal(system(command), 0);
	unlink(path);
	return fd;
}

static void expect_uuid(int fd, int result, const char *uuid)
{
	char *value;

	assert_int_equal(bootfs_uuid(fd, &value), result);
	if (uuid)
		assert_string_equal(value, uuid);
	else
		assert_null(value);
	free(value);
}

static void test_images(void **state)
{
	/* The size and a checksum follow the magic number. */
	static const char romfs[] = "-rom1fs-\0\0\0 \xa1'\x1d"
				    "F";
	char path[32];
	int fd = make_image(path);

	(void)state;
	expect_uuid(fd, 0, UUID);
	/* LUKS is not a file system; romfs is a second one, which has no UUID. */
	assert_int_equal(pwrite(fd, "LUKS\xba\xbe\0\1", 8, 0), 8);
	expect_uuid(fd, 0, UUID);
	assert_int_equal(pwrite(fd, romfs, sizeof romfs - 1, 0), sizeof romfs - 1);
	expect_uuid(fd, -ENOTUNIQ, NULL);
	assert_int_equal(pwrite(fd, "\0\0", 2, 1024 + 56), 2);
	expect_uuid(fd, -ENODATA, NULL);
	assert_int_equal(pwrite(fd, "\0\0\0\0\0\0\0\0", 8, 0), 8);
	expect_uuid(fd, -ENODATA, NULL);
	close(fd);
}

static void test_not_to_be_told(void **state)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	expect_uuid(root, -EINVAL, NULL);
	expect_uuid(null, -EINVAL, NULL);
	assert_int_equal(bootfs_same(-1, root), -EBADF);
	assert_int_equal(bootfs_same(root, -1), -EBADF);
	assert_int_equal(bootfs_same(root, proc), 0);
	close(proc);
	close(null);
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_bad_tables),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_not_to_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
