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
		const char *line; /* before a configfile, if it is one line */
		bool found;
	} cases[] = { { "search.fs_uuid " UUID " root", false },
		{ "search.fs_uuid 6B8A3B0E-7E9B-4D3C-9D1E-0123456789AB root", false },
		{ "search.fs_uuid " OTHER " root hd0,gpt2", true },
		{ "search --no-floppy --fs-uuid --set=root " OTHER, true },
		{ "\tsearch -u --set root 1234-ABCD", true }, { "search --label x " OTHER, false },
		{ "linux /k root=UUID=" OTHER, false }, { "# " OTHER, false },
		{ "search --fs-uuid --set root $uuid", false },
		/* Not for the menu: another system's, a font, another search last. */
		{ "menuentry x {\n\tsearch --fs-uuid " OTHER "\n\tconfigfile /x\n}\n", false },
		{ "submenu x {\nmenuentry y {\n}\nsearch --fs-uuid " OTHER "\nsource /x\n}\n",
			false },
		{ "menuentry x {\n}\nsearch --fs-uuid " OTHER "\nconfigfile /x\n", true },
		{ "search --fs-uuid " OTHER "\nloadfont x\nsource $prefix/custom.cfg\n", false },
		{ "search --fs-uuid " OTHER "\nsearch --fs-uuid " UUID "\nconfigfile /x\n", false },
		{ "search --fs-uuid " OTHER "\nsearch --label x\nconfigfile /x\n", false },
		/* As Debian and Fedora have it on the EFI system partition. */
		{ "search.fs_uuid " OTHER " root\nset prefix=($root)/grub\nconfigfile $prefix/x\n",
			true },
		{ "search --fs-uuid --set=dev " OTHER "\nset prefix=($dev)/grub2\nnormal\n", true },
		{ "search --fs-uuid " OTHER "\nset prefix=x\nnormal\n", false } };
	char root[] = "/tmp/test-grubdir.XXXXXX", command[768];
	struct bootfs bootfs = { .uuid = UUID }, unknown = { 0 };
	struct sysroot sysroot = { .root = "/mnt/" };

	(void)state;
	assert_non_null(mkdtemp(root));
	sysroot.root_fd = open(root, O_RDONLY | O_DIRECTORY);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct findings findings = { 0 };

		print_message("# %s\n", cases[i].line);
		(void)snprintf(command, sizeof command,
			"mkdir -p %s/boot/grub && printf '# loader\\n%%s\\n%%s\\n' '%s' '%s' >%s/boot/grub/grub.cfg",
			root, cases[i].line,
			strchr(cases[i].line, '\n') ? "" : "configfile ($root)/x", root);
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
