/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parameters of a module on the command line, as modprobe would pass them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "initramfs/modules.h"
#include "initramfs/test/words.h"

static const struct {
	const char *cmdline, *module, *parameters;
} cases[] = {
	{ "", "nvme", "" },
	{ "root=/dev/sda quiet", "nvme", "" },
	{ "nvme.max=4", "nvme", "max=4" },
	{ "nvme.max=4\n", "nvme", "max=4" },
	/* All parameters in their order: for repeated ones the module itself uses the last. */
	{ "nvme.max=4 nvme.fast quiet nvme.max=5", "nvme", "max=4 fast max=5" },
	{ "nvme.max=", "nvme", "max=" },
	/* "-" and "_" are equal on both sides, but only in the name of the module. */
	{ "nvme-core.io-timeout=1", "nvme_core", "io-timeout=1" },
	{ "nvme_core.a=1 nvme-core.b=2", "nvme-core", "a=1 b=2" },
	/* Other modules with similar names, and words without a module or a parameter. */
	{ "nvme_core.a=1 nvme", "nvme", "" },
	{ "nvm.a=1 nvmee.a=1 xnvme.a=1", "nvme", "" },
	{ "nvme.=1 nvme. .nvme=1", "nvme", "" },
	{ "a.b.c=1", "a", "b.c=1" },
	/* A value with blanks keeps its quotes, because the kernel splits the text again. */
	{ "m.a=\"b c\" m.d=e", "m", "a=\"b c\" d=e" },
	{ "\"m.a=b\tc\"", "m", "a=\"b\tc\"" },
	{ "m.a=\"b\"", "m", "a=b" },
	{ "m.a=b,\"c d\"", "m", "a=\"b,\"c d\"\"" },
	{ "m.a=1 -- m.b=2", "m", "a=1" },
};

static void parameters(void **state)
{
	char text[CMDLINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		print_message("# %s\n", cases[i].cmdline);
		memset(text, 'x', sizeof text);
		assert_int_equal(modules_parameters(split_words(cases[i].cmdline), cases[i].module,
					 text, sizeof text),
			strlen(cases[i].parameters));
		assert_string_equal(text, cases[i].parameters);
	}
}

static void too_small(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(modules_parameters(split_words("m.abc=123"), "m", text, sizeof text), 7);
	assert_string_equal(text, "abc=123");
	assert_int_equal(modules_parameters(split_words("m.abc=1234"), "m", text, sizeof text),
		-ENAMETOOLONG);
	assert_string_equal(text, "");
	/* If not all fit, none is passed, because they may belong together. */
	assert_int_equal(modules_parameters(split_words("m.a=1 m.abc=1"), "m", text, sizeof text),
		-ENAMETOOLONG);
	assert_string_equal(text, "");
}

static void long_command_line(void **state)
{
	static char cmdline[CMDLINE_MAX + 1];
	char text[8];

	(void)state;
	memset(cmdline, ' ', CMDLINE_MAX);
	memcpy(cmdline + CMDLINE_MAX - 5, "m.a=1", 5);
	assert_int_equal(modules_parameters(split_words(cmdline), "m", text, sizeof text), 3);
	assert_string_equal(text, "a=1");
}

static void listed(void **state)
{
	static const struct {
		const char *cmdline, *module;
		bool expected;
	} lists[] = {
		{ "modprobe.blacklist=loop", "loop", true },
		{ "modprobe.blacklist=a,loop,b quiet", "loop", true },
		{ "modprobe.blacklist=a modprobe.blacklist=loop modprobe.blacklist=b", "loop",
			true },
		{ "modprobe.blacklist=\"a,loop\"", "loop", true },
		{ "modprobe.blacklist=virtio-blk", "virtio_blk", true },
		{ "modprobe.blacklist=virtio_blk", "virtio-blk", true },
		{ "modprobe.blacklist=,,loop,", "loop", true },
		{ "modprobe.blacklist=loo,loop2,xloop", "loop", false },
		{ "modprobe.blacklist", "loop", false },
		{ "modprobe.blacklist=", "loop", false },
		{ "modprobe.blacklists=loop module_blacklist=loop", "loop", false },
		{ "-- modprobe.blacklist=loop", "loop", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		print_message("# %s\n", lists[i].cmdline);
		assert_int_equal(modules_listed(split_words(lists[i].cmdline), "modprobe.blacklist",
					 lists[i].module),
			lists[i].expected);
	}
	/* The kernel also accepts its own words with "-" for "_". */
	assert_true(modules_listed(split_words("module-blacklist=a"), "module_blacklist", "a"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters),
		cmocka_unit_test(too_small),
		cmocka_unit_test(long_command_line),
		cmocka_unit_test(listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
