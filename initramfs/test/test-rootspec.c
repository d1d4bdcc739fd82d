/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every form of root=, with its meaning in the kernel (Linux 6.1, name_to_dev_t) and in udev. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

#include "initramfs/rootspec.h"

static const struct {
	const char *root, *text;
	enum rootspec_by by;
	int offset;
} texts[] = {
	{ "/dev/sda2", "sda2", ROOTSPEC_NAME, 0 },
	{ "/dev/cciss/c0d0p1", "cciss/c0d0p1", ROOTSPEC_NAME, 0 },
	{ "/dev/mtdblock3", "mtdblock3", ROOTSPEC_NAME, 0 },
	{ "/dev/ubiblock0_1", "ubiblock0_1", ROOTSPEC_NAME, 0 },
	{ "/dev/dm-0", "dm-0", ROOTSPEC_NAME, 0 },
	{ "/dev/nfsd", "nfsd", ROOTSPEC_NAME, 0 },
	{ "/dev/mdx", "mdx", ROOTSPEC_NAME, 0 },
	{ "/dev/ram", "ram0", ROOTSPEC_NAME, 0 },
	{ "/dev/ram1", "ram1", ROOTSPEC_NAME, 0 },
	{ "UUID=1234-ABCD", "1234-ABCD", ROOTSPEC_UUID, 0 },
	{ "LABEL=my root", "my root", ROOTSPEC_LABEL, 0 },
	/* Only udev's links have escapes; a slash is special only in PARTUUID. */
	{ "LABEL=a\\x20b", "a\\x20b", ROOTSPEC_LABEL, 0 },
	{ "LABEL=a/PARTNROFF=1", "a/PARTNROFF=1", ROOTSPEC_LABEL, 0 },
	{ "PARTLABEL=a/b", "a/b", ROOTSPEC_PARTLABEL, 0 },
	{ "PARTUUID=1A2B3C4D-02", "1A2B3C4D-02", ROOTSPEC_PARTUUID, 0 },
	{ "PARTUUID=1-2/PARTNROFF=3", "1-2", ROOTSPEC_PARTUUID, 3 },
	{ "PARTUUID=1-2/PARTNROFF=-1", "1-2", ROOTSPEC_PARTUUID, -1 },
	{ "PARTUUID=1-2/PARTNROFF=0", "1-2", ROOTSPEC_PARTUUID, 0 },
	{ "PARTUUID=1-2/PARTNROFF=1024", "1-2", ROOTSPEC_PARTUUID, 1024 },
	{ "/dev/disk/by-uuid/1234-ABCD", "1234-ABCD", ROOTSPEC_UUID, 0 },
	{ "/dev/disk/by-label/root", "root", ROOTSPEC_LABEL, 0 },
	{ "/dev/disk/by-partuuid/1a2b3c4d-02", "1a2b3c4d-02", ROOTSPEC_PARTUUID, 0 },
	{ "/dev/disk/by-partlabel/a\\x20b\\x2fc", "a b/c", ROOTSPEC_PARTLABEL, 0 },
	{ "/dev/disk/by-label/\\x5cx20", "\\x20", ROOTSPEC_LABEL, 0 },
	{ "/dev/disk/by-label/\xc3\xa4x20", "\xc3\xa4x20", ROOTSPEC_LABEL, 0 },
	{ "/dev/disk/by-label/\\xc3\\xa4", "\xc3\xa4", ROOTSPEC_LABEL, 0 },
	/* Names that the kernel passes to mount(2) unchanged. */
	{ "ubi0:root", "ubi0:root", ROOTSPEC_SOURCE, 0 },
	{ "ubi", "ubi", ROOTSPEC_SOURCE, 0 },
	{ "mtd:root", "mtd:root", ROOTSPEC_SOURCE, 0 },
	{ "mtd4", "mtd4", ROOTSPEC_SOURCE, 0 },
	{ "/dev/ubi0_1", "/dev/ubi0_1", ROOTSPEC_SOURCE, 0 },
	{ "/dev/mtd4", "/dev/mtd4", ROOTSPEC_SOURCE, 0 },
};

static void reads_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rootspec spec;
		struct fault fault = { "" };

		print_message("# %s\n", texts[i].root);
		memset(&spec, 'x', sizeof spec);
		assert_int_equal(rootspec_parse(texts[i].root, NULL, &spec, &fault), 0);
		assert_int_equal(spec.by, texts[i].by);
		assert_string_equal(spec.text, texts[i].text);
		assert_int_equal(spec.offset, texts[i].offset);
		assert_string_equal(fault.sentence, "");
	}
}

/* MAJOR:MINOR, and the bits of include/linux/kdev_t.h: 20 bits of minor around 12 of major. */
static void reads_numbers(void **state)
{
	static const struct {
		const char *root;
		unsigned major, minor;
	} cases[] = {
		{ "8:2", 8, 2 },
		{ "8:2:0", 8, 2 },
		{ "8:2:77", 8, 2 },
		{ "259:1048575", 259, 1048575 },
		{ "4095:0", 4095, 0 },
		{ "010:011", 10, 11 },
		{ "802", 8, 2 },
		{ "0x802", 8, 2 },
		{ "0802", 8, 2 },
		{ "b302", 179, 2 },
		{ "B302", 179, 2 },
		{ "10302", 259, 2 },
		{ "0x110302", 259, 258 },
		{ "12345678", 0x456, 0x12378 },
		{ "ffffffff", 0xfff, 0xfffff },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rootspec spec;
		struct fault fault;

		print_message("# %s\n", cases[i].root);
		/* A number remains one with rootfstype=, which makes other words a source. */
		assert_int_equal(
			rootspec_parse(cases[i].root, i % 2 ? "9p" : NULL, &spec, &fault), 0);
		assert_int_equal(spec.by, ROOTSPEC_NUMBER);
		assert_int_equal(major(spec.number), cases[i].major);
		assert_int_equal(minor(spec.number), cases[i].minor);
	}
}

static const struct {
	const char *root, *why;
} refused[] = {
	{ "", "is not /dev/NAME" },
	{ "sda2", "is not /dev/NAME" },
	{ "dev/sda2", "is not /dev/NAME" },
	{ "mtdblock4", "is not /dev/NAME" },
	{ "ubiblock0_1", "is not /dev/NAME" },
	{ "label=root", "is not /dev/NAME" },
	{ "UUID", "is not /dev/NAME" },
	{ "xUUID=1", "is not /dev/NAME" },
	{ "8:", "is not /dev/NAME" },
	{ ":2", "is not /dev/NAME" },
	{ "8:2x", "is not /dev/NAME" },
	{ "8:2:", "is not /dev/NAME" },
	{ "8:2:x", "is not /dev/NAME" },
	{ "8:2:1:1", "is not /dev/NAME" },
	{ "nfs:10.0.0.1:/root", "is for another initramfs" },
	{ "live:LABEL=x", "is for another initramfs" },
	{ "block:/dev/sda", "is for another initramfs" },
	{ "dhcp", "is for another initramfs" },
	{ "/dev/md0", "or a RAID" },
	{ "/dev/md/root", "or a RAID" },
	{ "/dev/md_d0p1", "or a RAID" },
	{ "8:0x2", "is not /dev/NAME" },
	{ "-8:2", "is not /dev/NAME" },
	{ "8:-2", "is not /dev/NAME" },
	{ " 802", "is not /dev/NAME" },
	{ "0x", "is not /dev/NAME" },
	{ "4096:0", "is not /dev/NAME" },
	{ "8:1048576", "is not /dev/NAME" },
	{ "100000000", "is not /dev/NAME" },
	{ "99999999999999999999:1", "is not /dev/NAME" },
	{ "8:99999999999999999999", "is not /dev/NAME" },
	{ "UUID=", "has no value" },
	{ "LABEL=", "has no value" },
	{ "PARTUUID=", "has no value" },
	{ "PARTLABEL=", "has no value" },
	{ "PARTUUID=1-2/", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=1x", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=x", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/partnroff=1", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=1025", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=-1025", "is not PARTUUID=UUID" },
	{ "PARTUUID=1-2/PARTNROFF=99999999999999999999", "is not PARTUUID=UUID" },
	{ "PARTUUID=1/2/PARTNROFF=1", "is not PARTUUID=UUID" },
	{ "/dev/", "does not name a device" },
	{ "/dev/nfs", "is on the network" },
	{ "/dev/cifs", "is on the network" },
	{ "/dev/mapper/vg-root", "use dracut with the module rootstock" },
	{ "/dev/disk/by-id/wwn-1", "is a link that udev makes" },
	{ "/dev/disk/by-path/pci-1", "is a link that udev makes" },
	{ "/dev/disk/by-label/", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\x", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\x2", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\x2g", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\xg2", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\\\x20", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\y20", "is not a link as udev" },
	{ "/dev/disk/by-label/a\\x2F", "is not a link as udev" },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct rootspec spec;
		struct fault fault = { "" };

		print_message("# %s\n", refused[i].root);
		assert_int_equal(rootspec_parse(refused[i].root, NULL, &spec, &fault), -EINVAL);
		assert_memory_equal(fault.sentence, "root=", 5);
		assert_memory_equal(fault.sentence + 5, refused[i].root, strlen(refused[i].root));
		assert_non_null(strstr(fault.sentence, refused[i].why));
	}
}

/* With rootfstype= a word that is not a device is a source; a malformed device is still refused. */
static void reads_sources(void **state)
{
	static const char *const sources[] = { "root", "myfs", "host0", "server:/export",
		"8:", "UUID", "dev/sda" };
	static const char *const never[] = { "", "UUID=", "PARTUUID=1-2/x", "/dev/nfs", "/dev/" };
	struct rootspec spec;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
		assert_int_equal(rootspec_parse(sources[i], "9p", &spec, &fault), 0);
		assert_int_equal(spec.by, ROOTSPEC_SOURCE);
		assert_string_equal(spec.text, sources[i]);
	}
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		assert_int_equal(rootspec_parse(never[i], "9p", &spec, &fault), -EINVAL);
}

static void refuses_long_words(void **state)
{
	char root[ROOTSPEC_MAX + 1];
	struct rootspec spec;
	struct fault fault;

	(void)state;
	memset(root, 'a', sizeof root);
	memcpy(root, "LABEL=", 6);
	root[ROOTSPEC_MAX] = 0;
	assert_int_equal(rootspec_parse(root, "9p", &spec, &fault), -EINVAL);
	assert_non_null(strstr(fault.sentence, "is too long"));
	root[ROOTSPEC_MAX - 1] = 0;
	assert_int_equal(rootspec_parse(root, NULL, &spec, &fault), 0);
	assert_string_equal(spec.text, root + 6);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_texts),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(refuses),
		cmocka_unit_test(reads_sources),
		cmocka_unit_test(refuses_long_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
