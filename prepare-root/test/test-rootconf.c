/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings in prepare-root.conf and on the command line are obeyed, reported or refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/rootconf.h"

static char log_path[] = "/tmp/test-rootconf-XXXXXX";

/* Returns what was logged since the last call. */
static const char *news(void)
{
	static char text[16384];
	FILE *file = fopen(log_path, "r+");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof text - 1, file);
	text[len] = 0;
	fclose(file);
	assert_int_equal(truncate(log_path, 0), 0);
	log_reopen(log_path);
	return text;
}

static unsigned lines(const char *text)
{
	unsigned count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

enum { NO, YES, ABSENT };

/* refused: a part of the refusal's message; said: a part of a logged line; each may be NULL. */
static const struct {
	const char *text, *refused, *said;
	int readonly;
} files[] = {
	{ "", NULL, NULL, ABSENT },
	{ "[sysroot]\nreadonly=true\n", NULL, NULL, YES },
	{ "[sysroot]\nreadonly = 1\n", NULL, NULL, YES },
	{ "[sysroot]\nreadonly=true\nreadonly=false\n", NULL, NULL, NO },
	{ "[sysroot]\r\nreadonly=true\r\n", NULL, NULL, YES },
	{ "[sysroot]\nreadonly=yes\n", "F: line 2: sysroot.readonly must be true or false", NULL,
		ABSENT },
	{ "[composefs]\nenabled=no\n", NULL, NULL, ABSENT },
	{ "[composefs]\nenabled=false\n[sysroot]\nreadonly=true\n", NULL, NULL, YES },
	{ "[composefs]\nenabled=0\n", NULL, NULL, ABSENT },
	{ "[composefs]\nenabled=maybe\n", NULL, "F: line 2: composefs.enabled=maybe", ABSENT },
	{ "[composefs]\nenabled=yes\n", "F: line 2: composefs.enabled=yes asks for", NULL, ABSENT },
	{ "[composefs]\nenabled=true\n", "composefs.enabled=true asks for", NULL, ABSENT },
	{ "[composefs]\nenabled=1\n", "composefs.enabled=1 asks for", NULL, ABSENT },
	{ "\n[composefs]\n\n enabled = verity\n", "F: line 4: composefs.enabled=verity asks for",
		NULL, ABSENT },
	{ "[composefs]\nenabled=signed\n", "composefs.enabled=signed asks for", NULL, ABSENT },
	/* The last value counts, and a group may come twice. */
	{ "[composefs]\nenabled=signed\nenabled=no\n", NULL, NULL, ABSENT },
	{ "[composefs]\nenabled=no\n[etc]\n[composefs]\nenabled=signed\n",
		"F: line 5: composefs.enabled=signed", NULL, ABSENT },
	/* Not understood. */
	{ "[composefs]\nenabled=\n", "F: line 2: composefs.enabled= is not understood", NULL,
		ABSENT },
	{ "[composefs]\nenabled=Signed\n", "composefs.enabled=Signed is not understood", NULL,
		ABSENT },
	{ "[composefs]\nenabled=no \n", "composefs.enabled=no  is not understood", NULL, ABSENT },
	{ "[composefs]\nenabled=none\n", "composefs.enabled=none is not understood", NULL, ABSENT },
	{ "[composefs]\nenabled=yes;signed\n", "composefs.enabled=yes;signed is not", NULL,
		ABSENT },
	{ "[composefs]\nenabled=\\sno\n", "is not understood", NULL, ABSENT },
	/* Other keys are reported, unless they are false. */
	{ "[etc]\ntransient=true\n", NULL, "F: line 2: etc.transient=true is not acted on",
		ABSENT },
	{ "[etc]\ntransient=false\n[root]\ntransient=0\ntransient-ro=false\n", NULL, NULL, ABSENT },
	{ "[root]\ntransient=true\n", NULL, "F: line 2: root.transient=true is not", ABSENT },
	{ "[root]\ntransient-ro=1\n", NULL, "root.transient-ro=1 is not", ABSENT },
	{ "[root]\ntransient=maybe\n", NULL, "root.transient=maybe is not", ABSENT },
	{ "[composefs]\nkeypath=/etc/k\n", NULL, "composefs.keypath=/etc/k is not", ABSENT },
	{ "[composefs]\nenabled[de]=yes\n", NULL, "composefs.enabled[de]=yes is not", ABSENT },
	{ "[Composefs]\nenabled=yes\n", NULL, "Composefs.enabled=yes is not", ABSENT },
	{ "[composefs]\nEnabled=yes\n", NULL, "composefs.Enabled=yes is not", ABSENT },
	{ "[sysroot]\nread-only=true\n", NULL, "sysroot.read-only=true is not", ABSENT },
	/* Not a keyfile, or not UTF-8. */
	{ "[composefs\nenabled=no\n", "F: line 1: a group without its closing bracket", NULL,
		ABSENT },
	{ "enabled=no\n", "F: line 1: a key before the first group", NULL, ABSENT },
	{ "[composefs]\nsigned\n", "F: line 2: neither a comment", NULL, ABSENT },
	{ "[sysroot]\n# \xff\n", "F: line 2: this is not UTF-8", NULL, ABSENT },
	{ "# caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n", NULL, NULL, ABSENT },
	{ "# \xc0\xaf\n", "not UTF-8", NULL, ABSENT },
	{ "\n# \xed\xa0\x80\n", "F: line 2: this is not UTF-8", NULL, ABSENT },
	{ "# \xf4\x90\x80\x80\n", "not UTF-8", NULL, ABSENT },
	{ "# \x80", "not UTF-8", NULL, ABSENT },
	{ "# \xe2\x82", "not UTF-8", NULL, ABSENT },
};

static void has(const char *text, const char *what, const char *where)
{
	if (what && !strstr(text, what))
		fail_msg("%s is not in: %s (%s)", what, text, where);
}

static void judges_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *text = files[i].text, *said;
		struct fault fault;
		bool readonly = files[i].readonly == NO;
		int err = rootconf_file("F", text, strlen(text), &readonly, &fault);

		said = news();
		if ((err < 0) != (files[i].refused != NULL))
			fail_msg("%d for: %s", err, text);
		if (err)
			has(fault.sentence, files[i].refused, text);
		else
			assert_int_equal(readonly, files[i].readonly == YES);
		assert_int_equal(lines(said), files[i].said != NULL);
		has(said, files[i].said, text);
	}
}

/* A deployment's file can only refuse the boot; its other settings are ignored. */
static void a_file_for_refusing_only(void **state)
{
	static const char on[] = "[sysroot]\nreadonly=true\n",
			  off[] = "[sysroot]\nreadonly=false\n",
			  bad[] = "[sysroot]\nreadonly=true\n[composefs]\nenabled=signed\n",
			  zero[] = "[composefs]\nenabled=no\0signed\n";
	struct fault fault;

	(void)state;
	assert_int_equal(rootconf_file("D", on, strlen(on), NULL, &fault), 0);
	has(news(), "D: line 2: sysroot.readonly=true: ignored, since only the initramfs' own file",
		on);
	assert_int_equal(rootconf_file("D", off, strlen(off), NULL, &fault), 0);
	assert_string_equal(news(), "");
	assert_int_equal(rootconf_file("D", bad, strlen(bad), NULL, &fault), -EOPNOTSUPP);
	has(fault.sentence, "D: line 4: composefs.enabled=signed", bad);
	news();
	assert_int_equal(rootconf_file("D", zero, sizeof zero - 1, NULL, &fault), -EINVAL);
	has(fault.sentence, "D: line 2: this is not UTF-8", bad);
}

static void a_thousand_keys_are_a_few_lines(void **state)
{
	static char text[20000] = "[x]\n";
	struct fault fault;
	bool readonly = false;

	(void)state;
	for (int i = 0; i < 1000; i++)
		strcat(text, "key=value\n");
	assert_int_equal(rootconf_file("F", text, strlen(text), &readonly, &fault), 0);
	assert_int_equal(lines(news()), 16);
}

static void judges_the_command_line(void **state)
{
	static const struct {
		const char *text, *refused, *said;
	} cases[] = {
		{ "quiet", NULL, NULL },
		{ "ostree.prepare-root.composefs=no", NULL, NULL },
		{ "ostree.prepare-root.composefs=\"0\"", NULL, NULL },
		{ "ostree.prepare-root.composefs=false", NULL, NULL },
		{ "ostree.prepare-root.composefs=maybe", NULL,
			"kernel command line: ostree.prepare-root.composefs=maybe" },
		{ "ostree.prepare-root.composefs=yes",
			"kernel command line: ostree.prepare-root.composefs=yes asks for", NULL },
		{ "ostree.prepare-root.composefs=1", "composefs=1 asks for", NULL },
		{ "ostree.prepare-root.composefs=true", "composefs=true asks for", NULL },
		{ "ostree.prepare-root.composefs=verity", "composefs=verity asks for", NULL },
		{ "ostree.prepare-root.composefs=signed", "composefs=signed asks for", NULL },
		{ "ostree.prepare-root.composefs=", "composefs= is not understood", NULL },
		{ "ostree.prepare-root.composefs=off", "composefs=off is not understood", NULL },
		{ "ostree.prepare-root.composefs", "composefs= is not understood", NULL },
		{ "ostree.prepare-root.etc=x", NULL, "ostree.prepare-root.etc is not known" },
		/* The first word counts, as upstream; words after -- are for init. */
		{ "ostree.prepare-root.composefs=no ostree.prepare-root.composefs=yes", NULL,
			NULL },
		{ "x -- ostree.prepare-root.composefs=signed", NULL, NULL },
		/* The word of libostree 2023.1 to 2023.4. */
		{ "ot-composefs=off", NULL, NULL },
		{ "ot-composefs=maybe", NULL, "kernel command line: ot-composefs=maybe" },
		{ "ot-composefs=on", "ot-composefs=on is not understood", NULL },
		{ "ot-composefs=signed=/key", "ot-composefs=signed=/key is not", NULL },
		{ "ot-composefs=\"digest=0\"", "ot-composefs=digest=0 is not", NULL },
		{ "ot-composefs", "ot-composefs= is not understood", NULL },
		{ "ostree.prepare-root.composefs=no ot-composefs=on", "ot-composefs=on is", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[256];
		struct cmdline cmdline;
		struct fault fault;
		const char *said;
		int err;

		strcpy(text, cases[i].text);
		cmdline_parse(text, &cmdline);
		err = rootconf_cmdline(&cmdline, &fault);
		said = news();
		if ((err < 0) != (cases[i].refused != NULL))
			fail_msg("%d for: %s", err, cases[i].text);
		if (err)
			has(fault.sentence, cases[i].refused, cases[i].text);
		assert_int_equal(lines(said), cases[i].said != NULL);
		has(said, cases[i].said, cases[i].text);
	}
}

static int open_log(void **state)
{
	(void)state;
	close(mkstemp(log_path));
	log_open(log_path);
	return !log_has_kmsg();
}

static int remove_log(void **state)
{
	(void)state;
	return unlink(log_path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_files),
		cmocka_unit_test(a_file_for_refusing_only),
		cmocka_unit_test(a_thousand_keys_are_a_few_lines),
		cmocka_unit_test(judges_the_command_line),
	};

	return cmocka_run_group_tests(tests, open_log, remove_log);
}
