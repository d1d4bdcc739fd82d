/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file system for which GRUB's own configuration searches. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bls/check/grubdir.h"

#define UUID "6b8a3b0e-7e9b-4d3c-9d1e-0123456789ab"
#define OTHER "6b8a3b0e-7e9b-4d3c-9d1e-0123456789ac"

static void searched(void **state)
{
	static const struct {
		const char *line;
		bool found;
	} cases[] = { { "search.fs_uuid " UUID " root", false },
		{ "search.fs_uuid 6B8A3B0E-7E9B-4D3C-9D1E-0123456789AB root", false },
		{ "search.fs_uuid " OTHER " root hd0,gpt2", true },
		{ "search --no-floppy --fs-uuid --set=root " OTHER, true },
		{ "\tsearch -u --set root 1234-ABCD", true }, { "search --label x " OTHER, false },
		{ "linux /k root=UUID=" OTHER, false }, { "# " OTHER, false },
		{ "search --fs-uuid --set root $uuid", false } };
	char root[] = "/tmp/test-grubdir.XXXXXX", command[512];
	struct bootfs bootfs = { .uuid = UUID }, unknown = { 0 };
	struct sysroot sysroot = { .root = "/mnt/" };

	(void)state;
	assert_non_null(mkdtemp(root));
	sysroot.root_fd = open(root, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct findings findings = { 0 };

		print_message("# %s\n", cases[i].line);
		(void)snprintf(command, sizeof command,
			"mkdir -p %s/boot/grub && printf '# loader\\n%%s\\n' '%s' >%s/boot/grub/grub.cfg",
			root, cases[i].line, root);
		assert_int_equal(system(command), 0);
		grubdir_check(&sysroot, &bootfs, &findings);
		assert_int_equal(findings.count, cases[i].found);
		if (cases[i].found) {
			assert_string_equal(findings.list[0]->kind->id, "stub-uuid");
			assert_string_equal(findings.list[0]->file, "/mnt/boot/grub/grub.cfg");
			assert_string_equal(findings.list[0]->remedy, "write " UUID " there");
		}
		findings_free(&findings);
		grubdir_check(&sysroot, &unknown, &findings);
		assert_int_equal(findings.count, 0);
		findings_free(&findings);
	}
	close(sysroot.root_fd);
	(void)snprintf(command, sizeof command, "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(searched) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
