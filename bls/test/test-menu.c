/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of a menu, and reading a directory that also has files that are not entries. */
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

#include "bls/menu.h"

struct file {
	const char *name;
	const char *text; /* the lines before "linux /k" */
};

enum { FILES_MAX = 12 };

/* The files of a menu in their order, ended by one without a name. */
static const struct file orders[][FILES_MAX] = {
	/* libostree since 2024.5, and more than nine deployments. */
	{ { "ostree-10.conf", "version 10" }, { "ostree-9.conf", "version 9" },
		{ "ostree-2.conf", "version 2" }, { "ostree-1.conf", "version 1" } },
	/* libostree 2022.7, two stateroots. */
	{ { "ostree-11-a.conf", "version 11" }, { "ostree-10-z.conf", "version 10" },
		{ "ostree-9-a.conf", "version 9" }, { "ostree-1-b.conf", "version 1" } },
	/* The oldest names: only the version key tells the order. */
	{ { "ostree-b-0.conf", "version 4" }, { "ostree-a-0.conf", "version 3" },
		{ "ostree-b-1.conf", "version 2" }, { "ostree-a-1.conf", "version 1" } },
	/* Renamed by hand: the version key decides, by libostree's order and not UAPI.10's. */
	{ { "ostree-1.conf", "version 20" }, { "ostree-2.conf", "version 3" } },
	{ { "ostree-3.conf", "version 6.1~rc1" }, { "ostree-2.conf", "version 6.1" },
		{ "ostree-1.conf", "version 6.01" } },
	/* Broken entries are placed by their names. */
	{ { "ostree-3.conf", "linux" }, { "ostree-2-x.conf", "version 2" },
		{ "ostree-1.conf", "initrd" }, { "ostree-x.conf", "" } },
	/* Entries without tries left come last; a counter is not a part of the version. */
	{ { "ostree-2+3.conf", "version 2" }, { "ostree-1.conf", "version 1" },
		{ "ostree-3+0-3.conf", "version 3" } },
	/* Versions that are equal or missing: by file name, newest first. */
	{ { "ostree-2-a.conf", "version 2" }, { "ostree-1-a.conf", "version 2" },
		{ "ostree-b.conf", "" }, { "ostree-a.conf", "" } },
	/* libostree's entries among others are together, at the place of "ostree-". */
	{ { "ostree-~1.conf", "" }, { "ostree_-.conf", "" } },
	{ { "zz.conf", "" }, { "ostree.1.conf", "" }, { "ostree-2.conf", "version 2" },
		{ "ostree-1.conf", "version 1" }, { "debian-12.conf", "" } },
	/* Entries with sort-key come first: by sort-key and machine-id ascending, then version
	 * descending. */
	{ { "0.conf", "sort-key a\nmachine-id 1\nversion 6.10" },
		{ "9.conf", "sort-key a\nmachine-id 1\nversion 6.9" },
		{ "8.conf", "sort-key a\nmachine-id 1\nversion 6.9~rc1" },
		{ "7.conf", "sort-key a\nmachine-id 1" },
		{ "3.conf", "sort-key a\nmachine-id 2\nversion 7" }, { "2.conf", "sort-key b" },
		{ "5.conf", "version 9" }, { "ostree-9.conf", "version 9" } },
	/* A missing machine-id is lowest; finally the file name decides. */
	{ { "2.conf", "sort-key a\nversion 1" }, { "1.conf", "sort-key a\nversion 1" },
		{ "3.conf", "sort-key a\nmachine-id 1\nversion 2" } },
	/* An entry ostree-* with a sort-key is not libostree's. */
	{ { "ostree-1.conf", "sort-key x\nversion 1" }, { "ostree-2.conf", "version 2" } },
	/* File names by version, not by byte. */
	{ { "linux-6.10.conf", "version 1" }, { "linux-6.9.conf", "version 2" },
		{ "linux-6.9~rc1.conf", "" } },
	/* Boot counters are only +N or +N-M at the end; of equal names the one with more tries left
	 * or fewer done comes first. */
	{ { "d+10-1.conf", "" }, { "d+2.conf", "" }, { "d+2-3.conf", "" } },
	{ { "c+1.conf", "" }, { "b+0x.conf", "" }, { "a.conf", "" }, { "d+0.conf", "" },
		{ "c+00-1.conf", "" }, { "a+0-2.conf", "" }, { "a+0-11.conf", "" } },
};

static void add(struct menu *menu, const struct file *file)
{
	char text[256];
	int size = snprintf(text, sizeof text, "%s\n%s", file->text,
		strcmp(file->text, "linux") ? "linux /k" : "");

	assert_int_equal(menu_add(menu, file->name, text, (size_t)size), 0);
}

static size_t count_files(const struct file *files)
{
	size_t count = 0;

	while (count < FILES_MAX && files[count].name)
		count++;
	return count;
}

static void test_orders(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		size_t count = count_files(orders[i]);

		/* In all rotations, forwards and backwards. */
		for (size_t turn = 0; turn < 2 * count; turn++) {
			struct menu menu = { 0 };

			for (size_t j = 0; j < count; j++) {
				size_t k = (turn / 2 + j) % count;

				add(&menu, &orders[i][turn % 2 ? k : count - 1 - k]);
			}
			menu_sort(&menu);
			for (size_t j = 0; j < count; j++)
				assert_string_equal(menu.items[j].name, orders[i][j].name);
			menu_free(&menu);
		}
	}
}

static void test_counter(void **state)
{
	static const struct {
		const char *name, *stem;
		long left, done;
	} cases[] = {
		{ "a.conf", "a", -1, 0 },
		{ "a+3.conf", "a", 3, 0 },
		{ "a+3-1.CONF", "a", 3, 1 },
		{ "a+03-01.conf", "a", 3, 1 },
		{ "a+3-.conf", "a+3-", -1, 0 },
		{ "a+.conf", "a+", -1, 0 },
		{ "a+3foo.conf", "a+3foo", -1, 0 },
		{ "a+3-1-1.conf", "a+3-1-1", -1, 0 },
		{ "a+3.1.conf", "a+3.1", -1, 0 },
		{ "a+3+2.conf", "a+3", 2, 0 },
		{ "a+99999999999999999999.conf", "a", __LONG_MAX__, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct menu menu = { 0 };

		assert_int_equal(menu_add(&menu, cases[i].name, "linux k", 7), 0);
		assert_string_equal(menu.items[0].stem, cases[i].stem);
		assert_int_equal(menu.items[0].left, cases[i].left);
		assert_int_equal(menu.items[0].done, cases[i].done);
		menu_free(&menu);
	}
}

static void test_names(void **state)
{
	struct menu menu = { 0 };
	char longest[261] = "";

	(void)state;
	memset(longest, 'a', 250);
	memcpy(longest + 250, ".conf", 6);
	assert_int_equal(menu_add(&menu, longest, "linux k", 7), 0);
	memset(longest, 'a', 251);
	memcpy(longest + 251, ".conf", 6);
	assert_int_equal(menu_add(&menu, longest, "linux k", 7), 0);
	assert_int_equal(menu_add(&menu, "a b.conf", "linux k", 7), 0);
	assert_int_equal(menu_add(&menu, "\xc3\xa4.conf", "linux", 5), 0);
	assert_int_equal(menu.items[0].error, 0);
	for (size_t i = 1; i < 4; i++) {
		assert_int_equal(menu.items[i].error, -EINVAL);
		assert_non_null(strstr(menu.items[i].where.what, "the file name of an entry"));
		assert_false(menu_hidden(&menu.items[i]));
	}
	menu_free(&menu);

	/* In libostree's entries any name of a stateroot is valid; with a sort-key the entry is not
	 * libostree's. */
	assert_int_equal(menu_add(&menu, "ostree-1-my~os.conf", "linux k", 7), 0);
	assert_int_equal(menu_add(&menu, "ostree-2-my~os.conf", "sort-key a\nlinux k", 18), 0);
	assert_int_equal(menu.items[0].error, 0);
	assert_int_equal(menu.items[1].error, -EINVAL);
	menu_free(&menu);
}

static void test_hidden(void **state)
{
	static const struct {
		const char *text;
		bool hidden;
	} cases[] = {
		{ "linux k", false },
		{ "linux k\narchitecture x64\nextra /x\nprofile 1", false },
		{ "efi x", true },
		{ "uki x", true },
		{ "uki-url x", true },
		/* The specification hides entries for EFI, whatever other keys they have. */
		{ "linux k\nefi x", true },
		{ "linux k\nuki x", true },
		{ "linux k\nuki-url x", true },
		/* Broken entries are not hidden. */
		{ "options x", false },
		{ "efi ..", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct menu menu = { 0 };

		assert_int_equal(
			menu_add(&menu, "x.conf", cases[i].text, strlen(cases[i].text)), 0);
		assert_int_equal(menu_hidden(&menu.items[0]), cases[i].hidden);
		menu_free(&menu);
	}
}

static void test_limit(void **state)
{
	struct menu menu = { 0 };
	char name[32];

	(void)state;
	for (int i = 0; i < MENU_ENTRIES_MAX; i++) {
		snprintf(name, sizeof name, "%d.conf", i);
		assert_int_equal(menu_add(&menu, name, "linux k", 7), 0);
	}
	assert_int_equal(menu_add(&menu, "more.conf", "linux k", 7), -E2BIG);
	menu_sort(&menu);
	assert_string_equal(menu.items[0].name, "511.conf");
	assert_string_equal(menu.items[511].name, "0.conf");
	menu_free(&menu);
}

static int make_directory(char *template)
{
	assert_non_null(mkdtemp(template));
	return open(template, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(int dir_fd, const char *name, size_t size, const char *text)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (size)
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
	close(fd);
}

static void test_read(void **state)
{
	static const struct {
		const char *name;
		int error;
		const char *what;
	} expected[] = {
		{ "g.conf", -EFBIG, "larger than 64 KiB" },
		{ "f.conf", -EINVAL, "a NUL byte does not belong in a text file" },
		{ "e.conf", -ELOOP, "it is not a regular file" },
		{ "d.conf", -ELOOP, "it is not a regular file" },
		{ "c.conf", -ELOOP, "it is not a regular file" },
		{ "b.conf", -EINVAL, "there is no linux line" },
		{ "a.Conf", 0, NULL },
	};
	char path[] = "/tmp/test-menu-XXXXXX";
	int fd = make_directory(path);
	struct menu menu;

	(void)state;
	assert_true(fd >= 0);
	put(fd, "a.Conf", 0, "linux /a");
	put(fd, "b.conf", 0, "");
	assert_int_equal(symlinkat("a.Conf", fd, "c.conf"), 0);
	assert_int_equal(mkdirat(fd, "d.conf", 0755), 0);
	assert_int_equal(mkfifoat(fd, "e.conf", 0644), 0);
	put(fd, "f.conf", 65536, "linux /f\n");
	put(fd, "g.conf", 65537, "linux /g\n");
	put(fd, ".h.conf", 0, "linux /h");
	put(fd, ".conf", 0, "linux /h");
	put(fd, "i.conf~", 0, "linux /i");
	put(fd, "README", 0, "");

	assert_int_equal(menu_read(fd, &menu), 0);
	assert_int_equal(menu.count, sizeof expected / sizeof *expected);
	for (size_t i = 0; i < menu.count; i++) {
		assert_string_equal(menu.items[i].name, expected[i].name);
		assert_int_equal(menu.items[i].error, expected[i].error);
		if (expected[i].what)
			assert_non_null(strstr(menu.items[i].where.what, expected[i].what));
	}
	menu_free(&menu);
	/* A second read works too, because the descriptor's position does not matter. */
	assert_int_equal(menu_read(fd, &menu), 0);
	assert_int_equal(menu.count, sizeof expected / sizeof *expected);
	menu_free(&menu);

	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		unlinkat(fd, expected[i].name, expected[i].name[0] == 'd' ? AT_REMOVEDIR : 0);
	unlinkat(fd, ".h.conf", 0);
	unlinkat(fd, ".conf", 0);
	unlinkat(fd, "i.conf~", 0);
	unlinkat(fd, "README", 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

static int copies_left = -1;

/* Replaces the C library's; fails when copies_left has come down to 0. */
char *strndup(const char *string, size_t size)
{
	size_t length = strnlen(string, size);
	char *copy = copies_left ? calloc(1, length + 1) : NULL;

	copies_left -= copies_left > 0;
	return copy ? memcpy(copy, string, length) : NULL;
}

static void test_no_memory(void **state)
{
	/* All without tries left, so that only their names could decide the order. */
	static const char *const names[] = { "a+0.conf", "b+0.conf", "c+0.conf" };
	char path[] = "/tmp/test-menu-XXXXXX";
	int fd = make_directory(path);
	struct menu menu;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		put(fd, names[i], 0, "linux /k");
	for (int i = 0; i < 3; i++) {
		copies_left = i;
		assert_int_equal(menu_read(fd, &menu), -ENOMEM);
		menu_free(&menu);
	}
	copies_left = -1;
	for (size_t i = 0; i < 3; i++)
		unlinkat(fd, names[i], 0);
	close(fd);
	assert_int_equal(rmdir(path), 0);
}

/* One pair of files, in their order, for each rule. */
static void test_reasons(void **state)
{
	static const struct {
		struct file files[2];
		const char *reason;
	} pairs[] = {
		{ { { "a.conf", "" }, { "b+0.conf", "sort-key a" } }, "boot count" },
		{ { { "a.conf", "sort-key z" }, { "b.conf", "" } }, "no sort-key" },
		{ { { "a.conf", "sort-key a" }, { "b.conf", "sort-key b" } }, "sort-key comes" },
		{ { { "a.conf", "sort-key a" }, { "b.conf", "sort-key a\nmachine-id 1" } },
			"machine-id comes" },
		{ { { "a.conf", "sort-key a\nversion 2" }, { "b.conf", "sort-key a\nversion 1" } },
			"its version is older" },
		{ { { "b.conf", "version 1" }, { "a.conf", "version 2" } }, "file name is older" },
		{ { { "ostree-1.conf", "version 2" }, { "ostree-2.conf", "version 1" } },
			"libostree wrote both" },
		{ { { "a+3.conf", "" }, { "a+2.conf", "" } }, "fewer tries" },
		{ { { "a+3-1.conf", "" }, { "a+3-2.conf", "" } }, "failed more often" },
		{ { { "a-01.conf", "" }, { "a-1.conf", "" } }, "bytes of their file names" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct menu menu = { 0 };

		for (size_t j = 2; j-- > 0;)
			add(&menu, &pairs[i].files[j]);
		menu_sort(&menu);
		assert_string_equal(menu.items[0].name, pairs[i].files[0].name);
		assert_non_null(
			strstr(menu_reason(&menu.items[0], &menu.items[1]), pairs[i].reason));
		menu_free(&menu);
	}
}

static void test_read_failures(void **state)
{
	struct menu menu;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(menu_read(fd, &menu), -ENOTDIR);
	menu_free(&menu);
	close(fd);
	assert_int_equal(menu_read(fd, &menu), -EBADF);
	menu_free(&menu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_failures),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
