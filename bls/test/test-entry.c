/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading one entry: the values, the errors, and the line of each error. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "bls/entry.h"

static int parse(const char *text, struct entry *entry, struct where *where)
{
	return entry_parse(text, strlen(text), entry, where);
}

static void has_value(const struct entry *entry, enum entry_key key, const char *value)
{
	const char *found = entry_value(entry, key);

	if (value)
		assert_non_null(found);
	if (value)
		assert_string_equal(found, value);
	else
		assert_null(found);
}

static void test_all_keys(void **state)
{
	static const char text[] = "title Fedora 19 (Rawhide)\n"
				   "version 3.8.0-2.fc19.x86_64\n"
				   "machine-id 6a9857a393724b7a981ebb5b8495b9ea\n"
				   "sort-key fedora\n"
				   "linux /a/linux\n"
				   "initrd /a/initrd\n"
				   "efi /a/shell.efi\n"
				   "uki /a/uki.efi\n"
				   "uki-url https://example.org/uki.efi\n"
				   "options root=x quiet\n"
				   "devicetree /a/board.dtb\n"
				   "devicetree-overlay /a/1.dtbo /a/2.dtbo\n"
				   "architecture x64\n"
				   "profile 1\n"
				   "extra a/x.cred\n"
				   "fdtdir /a/dtb\n"
				   "grub_users root\n";
	static const char *const values[] = {
		[ENTRY_TITLE] = "Fedora 19 (Rawhide)",
		[ENTRY_VERSION] = "3.8.0-2.fc19.x86_64",
		[ENTRY_MACHINE_ID] = "6a9857a393724b7a981ebb5b8495b9ea",
		[ENTRY_SORT_KEY] = "fedora",
		[ENTRY_LINUX] = "/a/linux",
		[ENTRY_INITRD] = "/a/initrd",
		[ENTRY_EFI] = "/a/shell.efi",
		[ENTRY_UKI] = "/a/uki.efi",
		[ENTRY_UKI_URL] = "https://example.org/uki.efi",
		[ENTRY_OPTIONS] = "root=x quiet",
		[ENTRY_DEVICETREE] = "/a/board.dtb",
		[ENTRY_DEVICETREE_OVERLAY] = "/a/1.dtbo /a/2.dtbo",
		[ENTRY_ARCHITECTURE] = "x64",
		[ENTRY_PROFILE] = "1",
		[ENTRY_EXTRA] = "/a/x.cred",
		[ENTRY_FDTDIR] = "/a/dtb",
	};
	const struct entry_line *unknown;
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(parse(text, &entry, &where), 0);
	assert_int_equal(entry.count, 17);
	for (enum entry_key key = 0; key < ENTRY_UNKNOWN; key++) {
		has_value(&entry, key, values[key]);
		assert_int_equal(entry.last[key]->number, key + 1);
	}
	unknown = entry_next(&entry, ENTRY_UNKNOWN, NULL);
	assert_string_equal(unknown->name, "grub_users");
	assert_string_equal(unknown->value, "root");
	assert_int_equal(unknown->number, 17);
	assert_null(entry_next(&entry, ENTRY_UNKNOWN, unknown));
	entry_free(&entry);
}

static void test_repeated_keys(void **state)
{
	struct entry entry;
	struct where where;
	const struct entry_line *line;

	(void)state;
	assert_int_equal(parse("options a  b\ninitrd /1\nlinux /old\noptions\noptions c\n"
			       "initrd /2\nlinux /k\nx-more 1\nx-more 2\n",
				 &entry, &where),
		0);
	assert_string_equal(entry.options, "a  b c");
	has_value(&entry, ENTRY_LINUX, "/k");
	line = entry_next(&entry, ENTRY_INITRD, NULL);
	assert_string_equal(line->value, "/1");
	line = entry_next(&entry, ENTRY_INITRD, line);
	assert_string_equal(line->value, "/2");
	assert_null(entry_next(&entry, ENTRY_INITRD, line));
	line = entry_next(&entry, ENTRY_UNKNOWN, entry_next(&entry, ENTRY_UNKNOWN, NULL));
	assert_string_equal(line->value, "2");
	entry_free(&entry);
}

static void test_layout(void **state)
{
	static const char *const same[] = {
		"title T 1\nlinux /k\noptions a b\n",
		"title T 1\nlinux /k\noptions a b",
		"title T 1\r\nlinux /k\r\noptions a b\r\n",
		"title T 1\r\nlinux /k\r\noptions a b\r",
		"title\tT 1\nlinux\t\t/k\noptions \t a b \t\n",
		"  title T 1\n\tlinux /k\noptions a b\n",
		"# linux /no\n\n \t\n  # options no\ntitle T 1\nlinux /k\noptions a b\n",
		"linux k\ntitle T 1\noptions a\noptions b\n",
		"options\noptions \noptions a\noptions b\ntitle T 1\nlinux k\nversion\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct entry entry;
		struct where where;

		assert_int_equal(parse(same[i], &entry, &where), 0);
		assert_null(where.what);
		assert_int_equal(entry.count, 3 + (strstr(same[i], "options b") != NULL));
		has_value(&entry, ENTRY_TITLE, "T 1");
		has_value(&entry, ENTRY_LINUX, "/k");
		has_value(&entry, ENTRY_VERSION, NULL);
		assert_string_equal(entry.options, "a b");
		entry_free(&entry);
	}
}

/* A byte order mark is ignored at the start of the file; elsewhere it is a part of a word. */
static void test_byte_order_mark(void **state)
{
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(parse("\xef\xbb\xbflinux k\noptions \xef\xbb\xbf", &entry, &where), 0);
	has_value(&entry, ENTRY_LINUX, "/k");
	has_value(&entry, ENTRY_OPTIONS, "\xef\xbb\xbf");
	assert_int_equal(entry.lines[0].number, 1);
	entry_free(&entry);
	assert_int_equal(parse("\n\xef\xbb\xbflinux k\n", &entry, &where), -EINVAL);
	entry_free(&entry);
	assert_int_equal(parse("\xef\xbb", &entry, &where), -EINVAL);
	entry_free(&entry);
}

static void test_literal_values(void **state)
{
	/* Nothing in a value is a comment, a quote or an escape; the blanks inside stay. */
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(parse("title  \"x\"  # 'y' \\n\nlinux /k\nfoo\n", &entry, &where), 0);
	has_value(&entry, ENTRY_TITLE, "\"x\"  # 'y' \\n");
	assert_string_equal(entry_next(&entry, ENTRY_UNKNOWN, NULL)->value, "");
	entry_free(&entry);
}

static void test_errors(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
		const char *what;
	} cases[] = {
		{ "", 0, "there is no linux line" },
		{ "title x\noptions y\n", 0, "there is no linux line" },
		{ "#linux /k\n", 0, "there is no linux line" },
		{ "linux\n", 1, "this key needs the name of a file" },
		{ "linux /k\ninitrd \t\n", 2, "this key needs the name of a file" },
		{ "linux /k\n\ndevicetree\r\n", 3, "this key needs the name of a file" },
		{ "linux ../k\n", 1, "a path must not contain \"..\"" },
		{ "linux /a/../k\n", 1, "a path must not contain \"..\"" },
		{ "linux /k\ninitrd /a/..\n", 2, "a path must not contain \"..\"" },
		{ "linux /k\x1b[2J\n", 1, "a path must not contain control characters" },
		{ "linux /k\ninitrd /a\tb\n", 2, "a path must not contain control characters" },
		{ "linux /k\nextra /\x9b\n", 2, "a path must not contain control characters" },
		{ "linux /k\nfdtdir /\xc2\x9b\n", 2, "a path must not contain control characters" },
		{ "linux /k\ndevicetree /\x7f\n", 2, "a path must not contain control characters" },
		/* Of several errors the first is reported. */
		{ "linux /k\nfdtdir ..\ninitrd\n", 2, "a path must not contain \"..\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct entry entry;
		struct where where;

		assert_int_equal(parse(cases[i].text, &entry, &where), -EINVAL);
		assert_string_equal(where.what, cases[i].what);
		assert_int_equal(where.line, cases[i].line);
		entry_free(&entry);
	}
}

static void test_harmless_dots(void **state)
{
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(parse("linux /a..b/..c/...\ninitrd ./x\n", &entry, &where), 0);
	has_value(&entry, ENTRY_INITRD, "/./x");
	entry_free(&entry);
}

static void test_bad_entry_keeps_its_place(void **state)
{
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(
		parse("linux\nsort-key s\nversion 7\nmachine-id 1\n", &entry, &where), -EINVAL);
	has_value(&entry, ENTRY_SORT_KEY, "s");
	has_value(&entry, ENTRY_VERSION, "7");
	has_value(&entry, ENTRY_MACHINE_ID, "1");
	entry_free(&entry);
}

static void test_nul_byte(void **state)
{
	static const char text[] = "version 1\nlinux /k\0x\noptions a\n";
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(entry_parse(text, sizeof text - 1, &entry, &where), -EINVAL);
	assert_int_equal(where.line, 2);
	assert_string_equal(where.what, "a NUL byte does not belong in a text file");
	has_value(&entry, ENTRY_LINUX, NULL);
	has_value(&entry, ENTRY_OPTIONS, "a");
	entry_free(&entry);
}

static void test_size(void **state)
{
	char *text = malloc(ENTRY_SIZE_MAX + 1);
	struct entry entry;
	struct where where;

	(void)state;
	assert_non_null(text);
	memset(text, '#', ENTRY_SIZE_MAX + 1);
	memcpy(text, "linux /k\n", 9);
	assert_int_equal(entry_parse(text, ENTRY_SIZE_MAX, &entry, &where), 0);
	entry_free(&entry);
	assert_int_equal(entry_parse(text, ENTRY_SIZE_MAX + 1, &entry, &where), -EFBIG);
	assert_string_equal(where.what, "the entry is larger than 64 KiB");
	has_value(&entry, ENTRY_LINUX, NULL);
	entry_free(&entry);
	free(text);
}

static void test_not_for_linux(void **state)
{
	static const char *const texts[] = { "efi /x\n", "uki /x\n", "uki-url x\n" };

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct entry entry;
		struct where where;

		assert_int_equal(parse(texts[i], &entry, &where), 0);
		entry_free(&entry);
	}
}

static void test_options_line(void **state)
{
	struct entry entry;
	struct where where;

	(void)state;
	assert_int_equal(parse("options ab\nlinux /k\noptions c\n", &entry, &where), 0);
	assert_string_equal(entry.options, "ab c");
	assert_int_equal(entry_options_line(&entry, 0), 1);
	assert_int_equal(entry_options_line(&entry, 2), 1);
	assert_int_equal(entry_options_line(&entry, 3), 3);
	assert_int_equal(entry_options_line(&entry, 99), 3);
	entry_free(&entry);
	assert_int_equal(parse("linux /k\n", &entry, &where), 0);
	assert_int_equal(entry_options_line(&entry, 0), 0);
	entry_free(&entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options_line),
		cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_repeated_keys),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_byte_order_mark),
		cmocka_unit_test(test_literal_values),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_harmless_dots),
		cmocka_unit_test(test_bad_entry_keeps_its_place),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_not_for_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
