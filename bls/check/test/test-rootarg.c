/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* root= beside the file system that is mounted at the sysroot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bls/check/modules.h"
#include "bls/check/rootarg.h"

#define UUID "6b8a3b0e-7e9b-4d3c-9d1e-0123456789ab"

/* Checks options with this initramfs, or none; the first finding's id, "" for none. */
static const char *check(const char *options, struct initrd *initrd, struct bootfs *rootfs,
	const struct text *builtin, char remedy[128])
{
	static struct cmdline cmdline;
	static struct sysroot sysroot = { .root = "/mnt/", .entries = "e" };
	char text[256], entry[300];
	struct menu menu = { 0 };
	struct findings findings = { 0 };
	struct way way = { .wanted = true };
	struct subject subject = { .sysroot = &sysroot,
		.rootfs = rootfs,
		.findings = &findings,
		.way = &way,
		.cmdline = &cmdline };
	const char *id = "";
	int size = snprintf(entry, sizeof entry, "linux /k\noptions %s\n", options);

	print_message("# %s\n", options);
	(void)snprintf(text, sizeof text, "%s", options);
	cmdline_parse(text, &cmdline);
	assert_int_equal(menu_add(&menu, "a.conf", entry, (size_t)size), 0);
	subject.item = &menu.items[0];
	subject.entry = &menu.items[0].entry;
	subject.initrd = initrd;
	rootarg_check(&subject, builtin);
	assert_true(findings.count <= 1 && way.steps == 1 && !findings.failed);
	remedy[0] = '\0';
	if (findings.count) {
		assert_int_equal(findings.list[0]->line, 2);
		id = findings.list[0]->kind->id;
		(void)snprintf(remedy, 128, "%s", findings.list[0]->remedy);
	}
	findings_free(&findings);
	way_free(&way);
	menu_free(&menu);
	return id;
}

static void beside_the_mounted_one(void **state)
{
	struct bootfs ext4 = { .type = "ext4", .uuid = UUID, .label = "os", .partuuid = "Ab-02" };
	struct bootfs tmpfs = { .type = "tmpfs" };
	struct initrd initrd = { .maker = INITRD_DRACUT };
	char remedy[128];

	(void)state;
	assert_string_equal(check("root=UUID=" UUID, &initrd, &ext4, NULL, remedy), "");
	assert_string_equal(check("root=UUID=6B8A3B0E-7E9B-4D3C-9D1E-0123456789AB", &initrd, &ext4,
				    NULL, remedy),
		"");
	assert_string_equal(check("root=UUID=6b8a3b0e-7e9b-4d3c-9d1e-0123456789ac", &initrd, &ext4,
				    NULL, remedy),
		"root-other");
	assert_string_equal(remedy, "this sysroot's is UUID=" UUID);
	assert_string_equal(
		check("root=UUID=1234", &initrd, &ext4, NULL, remedy), "root-uuid-form");
	assert_string_equal(remedy, "this sysroot's is UUID=" UUID);
	assert_string_equal(
		check("root=UUID=1234", &initrd, &tmpfs, NULL, remedy), "root-uuid-form");
	assert_string_equal(remedy, "correct it; blkid shows the UUIDs");
	assert_string_equal(check("root=UUID=6b8a3b0e-7e9b-4d3c-9d1e-0123456789ac", &initrd, &tmpfs,
				    NULL, remedy),
		"");
	assert_string_equal(check("root=LABEL=os", &initrd, &ext4, NULL, remedy), "");
	assert_string_equal(check("root=LABEL=OS", &initrd, &ext4, NULL, remedy), "root-other");
	assert_string_equal(remedy, "this sysroot's is LABEL=os");
	assert_string_equal(check("root=PARTUUID=aB-02", NULL, &ext4, NULL, remedy), "");
	assert_string_equal(check("root=PARTUUID=ab-01", NULL, &ext4, NULL, remedy), "root-other");
	assert_string_equal(
		check("root=PARTUUID=ab-01/PARTNROFF=1", NULL, &ext4, NULL, remedy), "");
	assert_string_equal(check("root=LABEL=x", &initrd, &tmpfs, NULL, remedy), "");
}

/* The driver of what is mounted must be there; only in what is known. */
static void drivers(void **state)
{
	struct bootfs btrfs = { .type = "btrfs" }, tmpfs = { .type = "tmpfs" };
	struct initrd without = { .maker = INITRD_TOOLS }, with = { .maker = INITRD_TOOLS };
	struct initrd unread = { .unread = "it is damaged" };
	struct text builtin = { 0 };
	char remedy[128];

	(void)state;
	assert_true(modules_add(&builtin, "ext4.ko"));
	assert_true(modules_add(&with.modules, "btrfs.ko"));
	assert_string_equal(
		check("root=PARTUUID=x", NULL, &btrfs, &builtin, remedy), "root-driver");
	assert_string_equal(remedy, "build it into the kernel, or add an initramfs");
	assert_string_equal(
		check("root=LABEL=x", &without, &btrfs, &builtin, remedy), "root-driver");
	assert_string_equal(remedy, "add it to the initramfs");
	assert_string_equal(check("root=LABEL=x", &with, &btrfs, &builtin, remedy), "");
	assert_string_equal(check("root=LABEL=x", &unread, &btrfs, &builtin, remedy), "");
	assert_string_equal(check("root=LABEL=x", &without, &btrfs, NULL, remedy), "");
	assert_string_equal(check("root=LABEL=x", &without, &tmpfs, &builtin, remedy), "");
	/* What is configured comes before what is mounted here. */
	assert_string_equal(
		check("root=LABEL=x rootfstype=ext4", &without, &btrfs, &builtin, remedy), "");
	assert_string_equal(
		check("root=LABEL=x rootfstype=xfs,btrfs", &without, &btrfs, &builtin, remedy),
		"root-driver");
	text_free(&builtin);
	initrd_free(&with);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(beside_the_mounted_one),
		cmocka_unit_test(drivers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
