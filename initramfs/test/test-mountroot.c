/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the root file system is mounted: the calls of mount(2) in their order, and the messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "initramfs/mountroot.h"
#include "initramfs/test/words.h"

static char calls[512];
static const char *errors; /* "TYPE:ERRNO ", the mounts that fail; "rw:ERRNO " those for writing */

static int error_of(const char *what)
{
	char word[40];
	const char *found;
	int err = 0;

	(void)snprintf(word, sizeof word, "%s:", what);
	found = strstr(errors, word);
	if (found)
		assert_int_equal(sscanf(found + strlen(word), "%d", &err), 1);
	return err;
}

/* Records, in the form of /dev/kmsg, that each failing mount adds to the kernel's log. */
static const char *const *records;
static bool kmsg_is_there;
static int kmsg_writer = -1;

/* Replaces the C library's. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	const void *data)
{
	size_t used = strlen(calls);

	assert_string_equal(target, "/sysroot");
	assert_true(flags & MS_SILENT);
	(void)snprintf(calls + used, sizeof calls - used, "%s %s %s%s%s%s%s;", source, type,
		flags & MS_RDONLY ? "ro" : "rw", flags & MS_NOATIME ? ",noatime" : "",
		flags & MS_NODEV ? ",nodev" : "", data ? " " : "", data ? (const char *)data : "");
	assert_int_equal(
		flags & ~(unsigned long)(MS_SILENT | MS_RDONLY | MS_NOATIME | MS_NODEV), 0);
	errno = error_of(type);
	if (!errno && !(flags & MS_RDONLY))
		errno = error_of("rw");
	if (errno && kmsg_writer >= 0) {
		static const char refused[] = "3,1,1,-;Can't open blockdev";
		int err = errno;

		if (!(flags & MS_RDONLY))
			assert_true(send(kmsg_writer, refused, strlen(refused), 0) > 0);
		for (size_t i = 0; flags & MS_RDONLY && records && records[i]; i++)
			assert_true(send(kmsg_writer, records[i], strlen(records[i]), 0) > 0);
		errno = err;
	}
	return errno ? -1 : 0;
}

int open(const char *path, int flags, ...)
{
	int pair[2];

	if (kmsg_writer >= 0)
		close(kmsg_writer);
	kmsg_writer = -1;
	if (strcmp(path, "/dev/kmsg") != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
	assert_int_equal(flags & O_ACCMODE, O_RDONLY);
	assert_true(flags & O_NONBLOCK);
	if (!kmsg_is_there) {
		errno = ENOENT;
		return -1;
	}
	/* As on /dev/kmsg, one read returns one record. */
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	kmsg_writer = pair[1];
	return pair[0];
}

static bool no_memory;

/* Lack of memory is the only reason for which this call fails. */
int mnt_split_optstr(const char *all, char **ret_user, char **ret_vfs, char **ret_fs,
	int ignore_user, int ignore_vfs)
{
	int (*real)(const char *, char **, char **, char **, int, int);

	*(void **)&real = dlsym(RTLD_NEXT, "mnt_split_optstr");
	return no_memory ? -ENOMEM : real(all, ret_user, ret_vfs, ret_fs, ignore_user, ignore_vfs);
}

static bool write_protected;

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	if (request != BLKROGET)
		return -1;
	assert_true(fd >= 0);
	va_start(args, request);
	*va_arg(args, int *) = write_protected;
	va_end(args);
	return 0;
}

static const struct expected {
	const char *words, *type;
	const char *errors;
	const char *calls, *said; /* said: a part of the message, or NULL for success */
	int error;
	int probe_error;
} devices[] = {
	{ "ro", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "xfs", "", "/dev/sda1 xfs rw;", NULL, 0, 0 },
	/* Options of the file system and options of any mount are separated. */
	{ "rw rootflags=subvol=@,noatime,commit=30,nodev", "btrfs", "",
		"/dev/sda1 btrfs rw,noatime,nodev subvol=@,commit=30;", NULL, 0, 0 },
	{ "rw rootflags=ro", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "ro rootflags=rw", "ext4", "", "/dev/sda1 ext4 rw;", NULL, 0, 0 },
	{ "rootflags=defaults", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rootflags=x-systemd.device-timeout=5,data=journal", "ext4", "",
		"/dev/sda1 ext4 ro data=journal;", NULL, 0, 0 },
	{ "rootflags=context=\"a,noatime\",commit=1", "ext4", "",
		"/dev/sda1 ext4 ro context=\"a,noatime\",commit=1;", NULL, 0, 0 },
	/* A device that is write-protected is mounted read-only. */
	{ "rw", "ext4", "rw:30 ", "/dev/sda1 ext4 rw;/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "ext4", "rw:13 ", "/dev/sda1 ext4 rw;/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "ext4", "rw:5 ", "/dev/sda1 ext4 rw;", "does not answer", -EIO, 0 },
	{ "ro", "ext4", "ext4:13 ", "/dev/sda1 ext4 ro;", "messages may say", -EACCES, 0 },
	/* Drivers whose name is not the type's. */
	{ "", "ext3", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "", "ext2", "ext4:19 ", "/dev/sda1 ext4 ro;/dev/sda1 ext2 ro;", NULL, 0, 0 },
	{ "", "ext3", "ext4:19 ext3:19 ", "/dev/sda1 ext4 ro;/dev/sda1 ext3 ro;",
		"has no driver ext4: it must be built in", -ENODEV, 0 },
	{ "", "ntfs", "", "/dev/sda1 ntfs3 ro;", NULL, 0, 0 },
	{ "", "xfs", "xfs:19 ", "/dev/sda1 xfs ro;", "no driver xfs", -ENODEV, 0 },
	{ "", "xfs", "xfs:22 ", "/dev/sda1 xfs ro;", "damaged, or has a feature", -EINVAL, 0 },
	{ "rootflags=x=1", "xfs", "xfs:22 ", "/dev/sda1 xfs ro x=1;", "rootflags= has an option",
		-EINVAL, 0 },
	{ "rootfstype=ext4", "xfs", "ext4:22 ", "/dev/sda1 ext4 ro;", "it contains xfs", -EINVAL,
		0 },
	{ "", "ext3", "ext4:22 ext3:22 ", "/dev/sda1 ext4 ro;/dev/sda1 ext3 ro;",
		"damaged, or has a feature", -EINVAL, 0 },
	/* A device was found, so the message does not mention shares. */
	{ "rootflags=subvol=@x,noatime", "btrfs", "btrfs:2 ",
		"/dev/sda1 btrfs ro,noatime subvol=@x;",
		"rootflags= names a subvolume that does not exist", -ENOENT, 0 },
	{ "rootflags=noatime,subvolid=300", "btrfs", "btrfs:2 ",
		"/dev/sda1 btrfs ro,noatime subvolid=300;",
		"rootflags= names a subvolume that does not exist", -ENOENT, 0 },
	{ "", "ext4", "ext4:2 ", "/dev/sda1 ext4 ro;", "a module that the driver needs", -ENOENT,
		0 },
	{ "rootfstype=9p", "", "9p:15 ", "/dev/sda1 9p ro;", "messages may say", -ENOTBLK,
		-ENODATA },
	{ "", "xfs", "xfs:117 ", "/dev/sda1 xfs ro;", "must be repaired", -EUCLEAN, 0 },
	{ "", "xfs", "xfs:16 ", "/dev/sda1 xfs ro;", "in use", -EBUSY, 0 },
	{ "", "xfs", "xfs:6 ", "/dev/sda1 xfs ro;", "does not answer", -ENXIO, 0 },
	{ "", "xfs", "xfs:123 ", "/dev/sda1 xfs ro;", "does not answer", -ENOMEDIUM, 0 },
	{ "", "xfs", "xfs:74 ", "/dev/sda1 xfs ro;", "must be repaired", -EBADMSG, 0 },
	{ "", "xfs", "xfs:27 ", "/dev/sda1 xfs ro;", "larger than this kernel", -EFBIG, 0 },
	{ "", "xfs", "xfs:75 ", "/dev/sda1 xfs ro;", "larger than this kernel", -EOVERFLOW, 0 },
	{ "", "erofs", "erofs:95 ", "/dev/sda1 erofs ro;", "has a feature", -EOPNOTSUPP, 0 },
	{ "", "btrfs", "btrfs:17 ", "/dev/sda1 btrfs ro;", "the same UUID", -EEXIST, 0 },
	/* rootfstype= that the contents confirm, and that they do not. */
	{ "rootfstype=xfs,ext4,btrfs", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rootfstype=ext2", "ext2", "ext4:22 ", "/dev/sda1 ext4 ro;/dev/sda1 ext2 ro;", NULL, 0,
		0 },
	{ "rootfstype=ext4dev,myext4", "ext4", "ext4dev:22 ",
		"/dev/sda1 ext4dev ro;/dev/sda1 myext4 ro;", NULL, 0, 0 },
	{ "rootfstype=ntfs", "", "", "/dev/sda1 ntfs ro;", NULL, 0, -ENODATA },
	{ "rootfstype=,a,,b,", "", "a:19 ", "/dev/sda1 a ro;/dev/sda1 b ro;", NULL, 0, -ENODATA },
	{ "rootfstype=a,b,c", "", "a:22 b:5 ", "/dev/sda1 a ro;/dev/sda1 b ro;",
		", as b: Input/output error", -EIO, -ENODATA },
	{ "rootfstype=a,b", "", "a:22 b:19 ", "/dev/sda1 a ro;/dev/sda1 b ro;", ", as b: ", -ENODEV,
		-ENODATA },
	{ "rootfstype=0123456789012345678901234567890,01234567890123456789012345678901,b", "",
		"0123456789012345678901234567890:19 ",
		"/dev/sda1 0123456789012345678901234567890 ro;/dev/sda1 b ro;", NULL, 0, -ENODATA },
	/* Contents that are not a file system are never mounted, whatever rootfstype= says. */
	{ "", "crypto_LUKS", "", "", "if the root file system is inside, dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "linux_raid_member", "", "",
		"if the root file system is inside, dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=LVM2_member", "LVM2_member", "", "",
		"if the root file system is inside, dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "ddf_raid_member", "", "", "if the root file system is inside, dracut",
		-EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "swap", "", "", "is not a file system but swap", -EMEDIUMTYPE, 0 },
	/* Without a type nothing is tried. */
	{ "", "", "", "", "empty or damaged", -ENODATA, -ENODATA },
	{ "", "", "", "", "cannot read /dev/sda1", -EIO, -EIO },
};

static bool is_container(const char *type)
{
	return strstr(type, "_member") || !strcmp(type, "swap") || !strcmp(type, "crypto_LUKS");
}

static void mounts_devices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
		const struct expected *expected = &devices[i];
		struct device device = { .name = "sda1",
			.dev = -1,
			.fd = -1,
			.probed = true,
			.error = expected->probe_error };
		struct devices list = { .at = { &device }, .count = 1, .dev = -1 };
		struct fault fault = { "" };
		struct rootparams params;
		char text[256];

		print_message("# %s, %s\n", expected->words, expected->type);
		(void)snprintf(text, sizeof text, "root=LABEL=x %s", expected->words);
		params = parse_words(text);
		strcpy(device.tags.type, expected->type);
		device.tags.filesystem = *expected->type && !is_container(expected->type);
		errors = expected->errors;
		*calls = 0;
		assert_int_equal(mountroot_device(&params, &list, &device, "/sysroot", &fault),
			expected->error);
		assert_string_equal(calls, expected->calls);
		if (expected->said) {
			assert_non_null(strstr(fault.sentence, expected->said));
			assert_non_null(strstr(fault.sentence, "/dev/sda1"));
			assert_non_null(strstr(fault.sentence, "root=LABEL=x"));
		}
	}
}

static void mounts_sources(void **state)
{
	static const struct {
		const char *source, *words, *errors, *calls;
		int error;
	} sources[] = {
		{ "ubi0:root", "rw", "", "ubi0:root ubifs rw;", 0 },
		{ "/dev/ubi0_1", "", "", "/dev/ubi0_1 ubifs ro;", 0 },
		{ "mtd:root", "", "jffs2:22 squashfs:22 ",
			"mtd:root jffs2 ro;mtd:root squashfs ro;mtd:root cramfs ro;", 0 },
		{ "/dev/mtd4", "rootfstype=squashfs", "", "/dev/mtd4 squashfs ro;", 0 },
		{ "share", "rootfstype=9p rootflags=trans=virtio,noatime", "",
			"share 9p ro,noatime trans=virtio;", 0 },
		{ "share", "rootfstype=9p,virtiofs", "9p:2 ", "share 9p ro;", -ENOENT },
		{ "LABLE=x", "rootfstype=ext4", "ext4:2 ", "LABLE=x ext4 ro;", -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		struct fault fault = { "" };
		struct rootparams params;
		char text[256];

		(void)snprintf(
			text, sizeof text, "root=%s %s", sources[i].source, sources[i].words);
		params = parse_words(text);
		errors = sources[i].errors;
		*calls = 0;
		assert_int_equal(mountroot_source(&params, sources[i].source, "/sysroot", &fault),
			sources[i].error);
		assert_string_equal(calls, sources[i].calls);
		assert_int_equal(!*fault.sentence, !sources[i].error);
		if (sources[i].error)
			assert_non_null(strstr(fault.sentence, "for a device use /dev/NAME"));
	}
}

/* A request and a device whose node is a file, for the tests below. */
struct trial {
	char path[40], words[256];
	struct rootparams params;
	struct device device;
	struct devices list;
	struct fault fault;
};

static int setup(void **state)
{
	static struct trial trial;

	trial = (struct trial){ .path = "/tmp/test-mountroot-XXXXXX",
		.device = { .name = "sda1", .dev = -1 },
		.list = { .at = { &trial.device }, .count = 1, .dev = -1 } };
	trial.device.fd = mkstemp(trial.path);
	errors = "";
	*calls = 0;
	records = NULL;
	kmsg_is_there = write_protected = false;
	*state = &trial;
	return trial.device.fd < 0;
}

static int teardown(void **state)
{
	struct trial *trial = *state;

	if (kmsg_writer >= 0)
		close(kmsg_writer);
	kmsg_writer = -1;
	close(trial->device.fd);
	return unlink(trial->path);
}

static int try_mount(struct trial *trial, const char *words)
{
	print_message("# %s\n", words);
	(void)snprintf(trial->words, sizeof trial->words, "root=LABEL=x %s", words);
	trial->params = parse_words(trial->words);
	*calls = 0;
	return mountroot_device(
		&trial->params, &trial->list, &trial->device, "/sysroot", &trial->fault);
}

static void assert_said(const struct trial *trial, const char *part)
{
	if (!strstr(trial->fault.sentence, part))
		fail_msg("\"%s\" is not in: %s", part, trial->fault.sentence);
}

static void is(struct trial *trial, const char *type)
{
	trial->device.probed = true;
	trial->device.tags = (struct tags){ .filesystem = true };
	strcpy(trial->device.tags.type, type);
}

/* The message quotes the kernel's first error, not records of other programs and not later ones. */
static void quotes_the_kernel(void **state)
{
	static const char *const texts[] = {
		"30,7,1,-;systemd[1]: of another facility",
		"6,8,1,-;EXT4-fs (sda1): INFO: recovery required on readonly filesystem",
		"not a record",
		"3,9,1,-;EXT4-fs (sda1): write access unavailable\n SUBSYSTEM=block",
		"3,10,1,-;EXT4-fs (sda1): what follows",
		NULL,
	};
	static const char *const nothing[] = { "6,8,1,-;all is well", NULL };
	struct trial *trial = *state;
	char many[1000];
	const char *const long_one[] = { many, NULL };

	is(trial, "ext4");
	errors = "ext4:30 ";
	kmsg_is_there = true;
	records = texts;
	assert_int_equal(try_mount(trial, "ro"), -EROFS);
	assert_said(trial,
		"as ext4: Read-only file system; the kernel says: EXT4-fs (sda1): write access unavailable");
	assert_null(strstr(trial->fault.sentence, "SUBSYSTEM"));
	assert_null(strstr(trial->fault.sentence, "follows"));
	/* The second of two tries counts. */
	assert_int_equal(try_mount(trial, "rw"), -EROFS);
	assert_said(trial, "the kernel says: EXT4-fs (sda1): write access unavailable");

	records = nothing;
	assert_int_equal(try_mount(trial, "ro"), -EROFS);
	assert_said(trial, "the kernel's messages may say why");

	memset(many, 'x', sizeof many);
	memcpy(many, "4,1,1,-;", 8);
	many[sizeof many - 1] = 0;
	records = long_one;
	assert_int_equal(try_mount(trial, "ro"), -EROFS);
	assert_said(trial, "the kernel says: xxx");
}

/* If a journal cannot be replayed, the message names the file system's option to skip it. */
static void write_protected_devices(void **state)
{
	static const char *const words[][2] = {
		{ "ext4", "rootflags=noload" },
		{ "xfs", "rootflags=norecovery" },
		{ "btrfs", "rootflags=rescue=nologreplay" },
		{ "nilfs2", "rootflags=norecovery" },
		{ "jfs", "was not unmounted cleanly" },
	};
	struct trial *trial = *state;
	char text[32];

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		for (int rw = 0; rw < 2; rw++) {
			is(trial, words[i][0]);
			(void)snprintf(text, sizeof text, "%s:30 rw:13 ", words[i][0]);
			errors = text;
			write_protected = true;
			assert_int_equal(try_mount(trial, rw ? "rw" : "ro"), -EROFS);
			assert_said(trial, "is write-protected");
			assert_said(trial, words[i][1]);
			write_protected = false;
			assert_int_equal(try_mount(trial, "ro"), -EROFS);
			assert_null(strstr(trial->fault.sentence, "is write-protected"));
		}
}

/* The superblock has the number of devices; the other ones are found by their UUID. */
static void btrfs_of_several(void **state)
{
	struct trial *trial = *state;
	struct device others[3] = { 0 };
	unsigned char count = 3;

	is(trial, "btrfs");
	strcpy(trial->device.tags.uuid, "same");
	for (size_t i = 0; i < 3; i++) {
		others[i] = (struct device){ .fd = -1, .probed = true };
		(void)snprintf(others[i].name, sizeof others[i].name, "sd%c", (char)('b' + i));
		strcpy(others[i].tags.type, i == 1 ? "ext4" : "btrfs");
		strcpy(others[i].tags.uuid, "same");
		trial->list.at[i + 1] = &others[i];
	}
	trial->list.count = 4;
	errors = "btrfs:22 ";
	assert_int_equal(pwrite(trial->device.fd, &count, 1, 65536 + 0x88), 1);
	assert_int_equal(ftruncate(trial->device.fd, 1 << 20), 0);
	assert_int_equal(try_mount(trial, "ro"), -EINVAL);
	assert_said(trial,
		"this btrfs is on 3 devices, and the others must be named: rootflags=device=/dev/sdb,device=/dev/sdd");
	/* If they are named already, the reason is another one. */
	assert_int_equal(try_mount(trial, "rootflags=device=/dev/sdb,device=/dev/sdd,x"), -EINVAL);
	assert_said(trial, "rootflags= has an option");
	strcpy(others[2].tags.uuid, "other");
	assert_int_equal(try_mount(trial, "ro"), -EINVAL);
	assert_said(trial, "this btrfs is on 3 devices, of which 2 are there");
	/* A missing driver is reported first. */
	errors = "btrfs:19 ";
	assert_int_equal(try_mount(trial, "ro"), -ENODEV);
	assert_said(trial, "no driver btrfs");
	errors = "btrfs:22 ";
	count = 1;
	assert_int_equal(pwrite(trial->device.fd, &count, 1, 65536 + 0x88), 1);
	assert_int_equal(try_mount(trial, "ro"), -EINVAL);
	assert_said(trial, "damaged");
	assert_int_equal(ftruncate(trial->device.fd, 4096), 0);
	assert_int_equal(try_mount(trial, "ro"), -EINVAL);
	assert_said(trial, "damaged");
}

static void needs_memory(void **state)
{
	struct trial *trial = *state;

	is(trial, "ext4");
	no_memory = true;
	assert_int_equal(try_mount(trial, "rootflags=noatime"), -ENOMEM);
	no_memory = false;
	assert_string_equal(calls, "");
	assert_said(trial, "rootflags=noatime is not a list of mount options: Cannot allocate");
}

static void run(const struct trial *trial, const char *command)
{
	char line[256];

	(void)snprintf(line, sizeof line, "PATH=$PATH:/usr/sbin:/sbin; %s%s", command, trial->path);
	assert_int_equal(system(line), 0);
}

/* With two signatures rootfstype= may choose between file systems, but not against a container. */
static void several_marks(void **state)
{
	struct trial *trial = *state;

	run(trial, "truncate -s 4M ");
	run(trial, "mke2fs -q -F ");
	run(trial, "printf 'hsqs%024d\\4' 0 | dd status=none conv=notrunc of=");
	assert_int_equal(try_mount(trial, ""), -ENOTUNIQ);
	assert_string_equal(calls, "");
	assert_said(trial,
		"/dev/sda1, which is root=LABEL=x, has the signatures of several file systems, ext2,squashfs");
	assert_said(trial, "with root=/dev/sda1 and rootfstype=TYPE");
	assert_int_equal(try_mount(trial, "rootfstype=squashfs"), 0);
	assert_string_equal(calls, "/dev/sda1 squashfs ro;");

	/* A RAID's old superblock. */
	trial->device.probed = false;
	run(trial, "truncate -s 0 ");
	run(trial, "truncate -s 4M ");
	run(trial, "mke2fs -q -F ");
	run(trial,
		"printf '\\374N+\\251\\0\\0\\0\\0\\132' | dd status=none conv=notrunc seek=4128768 oflag=seek_bytes of=");
	assert_int_equal(try_mount(trial, "rw rootfstype=ext4"), -ENOTUNIQ);
	assert_string_equal(calls, "");
	assert_said(
		trial, "has the signatures of linux_raid_member and of ext2, and is not mounted");
	assert_said(trial, "wipefs --all --types linux_raid_member /dev/sda1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_devices),
		cmocka_unit_test(mounts_sources),
		cmocka_unit_test_setup_teardown(quotes_the_kernel, setup, teardown),
		cmocka_unit_test_setup_teardown(write_protected_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(btrfs_of_several, setup, teardown),
		cmocka_unit_test_setup_teardown(needs_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(several_marks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
