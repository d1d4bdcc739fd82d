/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the root file system is mounted: what mount(2) is told, in which order, and what is said. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "initramfs/mountroot.h"

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

/* Instead of the C library's. */
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
	return errno ? -1 : 0;
}

static const struct expected {
	const char *words, *type;
	const char *errors;
	const char *calls, *said; /* said: in the sentence, NULL for success */
	int error;
	int probe_error;
} devices[] = {
	{ "ro", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "xfs", "", "/dev/sda1 xfs rw;", NULL, 0, 0 },
	/* What is for the file system and what for any. */
	{ "rw rootflags=subvol=@,noatime,commit=30,nodev", "btrfs", "",
		"/dev/sda1 btrfs rw,noatime,nodev subvol=@,commit=30;", NULL, 0, 0 },
	{ "rw rootflags=ro", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "ro rootflags=rw", "ext4", "", "/dev/sda1 ext4 rw;", NULL, 0, 0 },
	{ "rootflags=defaults", "ext4", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rootflags=x-systemd.device-timeout=5,data=journal", "ext4", "",
		"/dev/sda1 ext4 ro data=journal;", NULL, 0, 0 },
	{ "rootflags=context=\"a,noatime\",commit=1", "ext4", "",
		"/dev/sda1 ext4 ro context=\"a,noatime\",commit=1;", NULL, 0, 0 },
	/* A device that cannot be written is read. */
	{ "rw", "ext4", "rw:30 ", "/dev/sda1 ext4 rw;/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "ext4", "rw:13 ", "/dev/sda1 ext4 rw;/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "rw", "ext4", "rw:5 ", "/dev/sda1 ext4 rw;", "does not answer", -EIO, 0 },
	{ "ro", "ext4", "ext4:13 ", "/dev/sda1 ext4 ro;", "messages may say", -EACCES, 0 },
	/* Drivers of other names. */
	{ "", "ext3", "", "/dev/sda1 ext4 ro;", NULL, 0, 0 },
	{ "", "ext2", "ext4:19 ", "/dev/sda1 ext4 ro;/dev/sda1 ext2 ro;", NULL, 0, 0 },
	{ "", "ext3", "ext4:19 ext3:19 ", "/dev/sda1 ext4 ro;/dev/sda1 ext3 ro;",
		"has no driver ext4: it must be built in", -ENODEV, 0 },
	{ "", "ntfs", "", "/dev/sda1 ntfs3 ro;", NULL, 0, 0 },
	{ "", "xfs", "xfs:19 ", "/dev/sda1 xfs ro;", "no driver of that name", -ENODEV, 0 },
	{ "", "xfs", "xfs:22 ", "/dev/sda1 xfs ro;", "damaged, or rootflags=", -EINVAL, 0 },
	{ "", "xfs", "xfs:117 ", "/dev/sda1 xfs ro;", "must be repaired", -EUCLEAN, 0 },
	{ "", "xfs", "xfs:16 ", "/dev/sda1 xfs ro;", "in use", -EBUSY, 0 },
	/* rootfstype= that the bytes confirm, and that they do not. */
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
	{ "rootfstype=ext4", "", "", "/dev/sda1 ext4 ro;", NULL, 0, -ENOTUNIQ },
	/* What is no file system is never mounted, whoever says it is one. */
	{ "", "crypto_LUKS", "", "", "use dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "linux_raid_member", "", "", "use dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=LVM2_member", "LVM2_member", "", "", "use dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "ddf_raid_member", "", "", "use dracut", -EMEDIUMTYPE, 0 },
	{ "rootfstype=ext4", "swap", "", "", "is no file system but swap", -EMEDIUMTYPE, 0 },
	/* Nothing is tried where nothing is known. */
	{ "", "", "", "", "two file systems", -ENOTUNIQ, -ENOTUNIQ },
	{ "", "", "", "", "empty, or damaged", -ENODATA, -ENODATA },
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
		struct device device = {
			.name = "sda1", .fd = -1, .probed = true, .error = expected->probe_error
		};
		struct devices list = { { &device }, 1, -1 };
		struct fault fault = { "" };
		struct request request;
		char text[256];

		print_message("# %s, %s\n", expected->words, expected->type);
		(void)snprintf(text, sizeof text, "root=LABEL=x %s", expected->words);
		request_parse(text, &request);
		strcpy(device.tags.type, expected->type);
		device.tags.filesystem = *expected->type && !is_container(expected->type);
		errors = expected->errors;
		*calls = 0;
		assert_int_equal(mountroot_device(&request, &list, &device, "/sysroot", &fault),
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
		struct request request;
		char text[256];

		(void)snprintf(
			text, sizeof text, "root=%s %s", sources[i].source, sources[i].words);
		request_parse(text, &request);
		errors = sources[i].errors;
		*calls = 0;
		assert_int_equal(mountroot_source(&request, sources[i].source, "/sysroot", &fault),
			sources[i].error);
		assert_string_equal(calls, sources[i].calls);
		assert_int_equal(!*fault.sentence, !sources[i].error);
		if (sources[i].error)
			assert_non_null(strstr(fault.sentence, "a device would be /dev/NAME"));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_devices),
		cmocka_unit_test(mounts_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
