/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Menus as variables: the complete text, and entries that cannot be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "uboot/crc.h"
#include "uboot/uenv.h"

static const struct text no_lines = { 0 };
static struct menu menu;
static struct verdict *verdicts;

/* Returns the file of these entries, the last one first; "" if none can be in it. */
static char *render(const char *const entries[], const struct uenv_style *style)
{
	struct text text = { 0 };
	char name[] = "ostree-0.conf";
	size_t count;

	free(verdicts);
	menu_free(&menu);
	for (; *entries; entries++) {
		name[7]++;
		assert_int_equal(menu_add(&menu, name, *entries, strlen(*entries)), 0);
	}
	menu_sort(&menu);
	verdicts = verdict_new(&menu);
	count = uenv_render(&text, &menu, verdicts, style);
	assert_int_equal(count != 0, text.size != 0);
	text_add_bytes(&text, "", 1);
	assert_false(text.failed);
	return text.bytes;
}

static void test_whole_file(void **state)
{
	static const char *const entries[] = {
		"linux /k1\noptions b\nfdtdir /dt\n",
		"linux /a/k2\ninitrd /i\ninitrd /j\noptions a\\b\ndevicetree /d\n",
		NULL,
	};
	char deleted[1000], *end = deleted;
	const struct uenv_style style = { .prefix = "", .boot_fd = -1, .lines = &no_lines };
	char *found = render(entries, &style), *line = strstr(found, "kernel_image=");
	static const char expected[] = "kernel_image=/a/k2\nbootdir=/a/\nramdisk_image=/i\n"
				       "ramdisk_images=/i /j\nfdt_file=/d\nfdtdir=\n"
				       "bootargs=a\\\\b\n"
				       "kernel_image2=/k1\nbootdir2=/\nramdisk_image2=\n"
				       "ramdisk_images2=\nfdt_file2=\nfdtdir2=/dt\nbootargs2=b\n";

	(void)state;
	assert_int_equal(found[0], '#');
	assert_memory_equal(line, expected, strlen(expected));
	line += strlen(expected);
	for (int number = 3; number <= 9; number++) {
		static const char *const names[] = { "kernel_image", "bootdir", "ramdisk_image",
			"ramdisk_images", "fdt_file", "fdtdir", "bootargs" };

		for (size_t i = 0; i < 7; i++) {
			end += sprintf(end, "%s%d=\n", names[i], number);
		}
	}
	assert_memory_equal(line, deleted, strlen(deleted));
	line += strlen(deleted);
	assert_memory_equal(line, UENV_CRC "=", 16);
	assert_string_equal(line + strlen(UENV_CRC "=00 00 00 00\n"), "rootstock_complete=1\n");
	free(found);
}

/* The check value of CRC-32 in the catalogues of checksums. */
static void test_crc(void **state)
{
	(void)state;
	assert_int_equal(crc_make("123456789", 9), 0xcbf43926);
	assert_int_equal(crc_make("", 0), 0);
}

static void test_as_libostree(void **state)
{
	static const char *const entries[] = { "linux /k1\n", "linux /k2 2\n",
		"linux /k3\noptions a\ninitrd /i\n", NULL };
	struct text lines = { 0 };
	const struct uenv_style style = {
		.prefix = "/boot", .boot_fd = -1, .ostree = true, .lines = &lines
	};
	char *found;

	(void)state;
	text_add(&lines, "x=1\n");
	found = render(entries, &style);
	assert_string_equal(found,
		"kernel_image=/boot/k3\nramdisk_image=/boot/i\nbootargs=a\nx=1\n\n"
		"kernel_image2=/boot/k1\n");
	assert_int_equal(verdicts[1].error, -EINVAL);
	assert_int_equal(verdicts[1].where.line, 1);
	free(found);
	text_free(&lines);
}

static void test_keep(void **state)
{
	static const char *const entries[] = { "linux /k\n", NULL };
	const struct uenv_style style = {
		.prefix = "", .boot_fd = -1, .keep = "fdt_file \tfdtdir", .lines = &no_lines
	};
	char *found = render(entries, &style);

	(void)state;
	assert_null(strstr(found, "fdt_file"));
	assert_null(strstr(found, "fdtdir"));
	assert_non_null(strstr(found, "\nramdisk_image=\n"));
	free(found);
}

/* A command line may have 2047 bytes without the NUL. */
static void test_too_long(void **state)
{
	static char longest[2200] = "linux /k\noptions ";
	const char *const entries[] = { longest, NULL };
	const struct uenv_style style = { .prefix = "", .boot_fd = -1, .lines = &no_lines };
	size_t start = strlen(longest);
	char *found;

	(void)state;
	memset(longest + start, 'x', 2048);
	found = render(entries, &style);
	assert_string_equal(found, "");
	free(found);
	assert_int_equal(verdicts[0].error, -E2BIG);
	assert_int_equal(verdicts[0].where.line, 2);
	longest[start + 2047] = '\0';
	free(render(entries, &style));
	assert_int_equal(verdicts[0].error, 0);
}

static void test_names(void **state)
{
	static const char *const own[] = { "kernel_image", "bootargs", "bootargs2",
		"fdtdir123456789", "rootstock_complete", "rootstock_crc32" };
	static const char *const others[] = { "", "2", "bootarg", "bootargsx", "bootargs2x",
		"xbootargs", "rootstock_complete2", "Bootargs" };

	(void)state;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		assert_true(uenv_owns(own[i], strlen(own[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(uenv_owns(others[i], strlen(others[i])));
	assert_true(uenv_has_field("fdt_file=", 8));
	assert_false(uenv_has_field("fdt_file2", 9));
	assert_false(uenv_has_field(UENV_MARK, strlen(UENV_MARK)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_file),
		cmocka_unit_test(test_crc),
		cmocka_unit_test(test_as_libostree),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
