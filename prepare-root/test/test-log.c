/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which lines reach the console and which the kernel's log, both of which are files here. */
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

#include "prepare-root/log.h"

enum { QUIET = 4, USUAL = 7 };

static char console_path[] = "/tmp/test-log-XXXXXX", kmsg_path[] = "/tmp/test-log-XXXXXX";

/* Returns what was written to the file since the last call. */
static const char *news(const char *path)
{
	static char text[1024];
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ssize_t got = read(fd, text, sizeof text - 1);

	assert_true(got >= 0);
	assert_false(ftruncate(fd, 0));
	close(fd);
	text[got] = 0;
	return text;
}

static void say_all(void)
{
	int real = dup(STDERR_FILENO), console = open(console_path, O_WRONLY | O_APPEND);

	assert_true(real >= 0 && console >= 0 && dup2(console, STDERR_FILENO) >= 0);
	log_line(LOG_ERR, "failure");
	log_line(LOG_WARNING, "loud");
	log_line(LOG_NOTICE, "note");
	log_line(LOG_INFO, "done");
	dup2(real, STDERR_FILENO);
	close(real);
	close(console);
}

/* The log cannot be closed again, so the case without it comes first. */
static void lines(void **state)
{
	static const char everything[] =
		"<27>rootstock: failure\n<28>rootstock: loud\n<29>rootstock: note\n"
		"<30>rootstock: done\n";

	(void)state;
	close(mkstemp(console_path));
	close(mkstemp(kmsg_path));
	log_start();

	/* Without the kernel's log all lines go to the console, even with quiet. */
	log_console(QUIET);
	say_all();
	assert_string_equal(news(console_path), "rootstock: failure\nrootstock: loud\n"
						"rootstock: note\nrootstock: done\n");

	log_open(kmsg_path);
	assert_true(log_has_kmsg());
	say_all();
	assert_string_equal(news(console_path), "rootstock: failure\n");
	assert_string_equal(news(kmsg_path), everything);

	log_reopen(kmsg_path);
	log_console(USUAL);
	say_all();
	assert_string_equal(news(console_path), "rootstock: failure\nrootstock: loud\n");
	assert_string_equal(news(kmsg_path), everything);
	log_reopen("/nowhere");
	assert_true(log_has_kmsg());
}

/* Control characters are escaped, and the text is cut to what fits. */
static void escapes(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *line, *left;
	} cases[] = {
		{ "", 1, "", "" },
		{ "plain ~", 8, "plain ~", "" },
		{ "plain ~", 7, "plain ", "~" },
		{ "\x1b[31m", 64, "\\x1b[31m", "" },
		{ "a\nb\tc\r\x07\x7f", 64, "a\\x0ab\\x09c\\x0d\\x07\\x7f", "" },
		/* CSI as a byte and in UTF-8; then a letter. */
		{ "\x9b"
		  "1m\xc2\x9b",
			64, "\\x9b1m\\xc2\\x9b", "" },
		{ "\xc3\xa9", 64, "\\xc3\\xa9", "" },
		/* An escape is never cut. */
		{ "a\nb", 6, "a\\x0a", "b" },
		{ "a\nb", 5, "a", "\nb" },
		{ "\n", 4, "", "\n" },
	};
	struct fault hostile;
	char path[600];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[64];

		memset(line, 'x', sizeof line);
		assert_string_equal(log_escape(cases[i].text, line, cases[i].size), cases[i].left);
		assert_string_equal(line, cases[i].line);
	}

	/* A line that becomes too long by escapes is cut to a record that the kernel accepts. */
	memset(path, '\n', sizeof path);
	path[sizeof path - 1] = 0;
	fault(&hostile, 0, path, path, path, path, NULL);
	log_line(LOG_INFO, hostile.sentence);
	assert_true(strlen(news(kmsg_path)) <= 976);
	log_reopen(kmsg_path);
	log_line(LOG_INFO, "a\n<1>rootstock: forged\x1b[2J");
	assert_string_equal(news(kmsg_path), "<30>rootstock: a\\x0a<1>rootstock: forged\\x1b[2J\n");
	unlink(console_path);
	unlink(kmsg_path);
}

/* A link or a FIFO in place of the log is not opened. */
static void opens_no_link_or_pipe(void **state)
{
	char directory[] = "/tmp/test-log-XXXXXX", path[64], target[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/kmsg", directory);
	snprintf(target, sizeof target, "%s/target", directory);
	close(open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	assert_int_equal(symlink("target", path), 0);
	log_open(path);
	assert_false(log_has_kmsg());
	unlink(path);
	assert_int_equal(mkfifo(path, 0644), 0);
	log_open(path);
	assert_false(log_has_kmsg());
	unlink(path);
	unlink(target);
	rmdir(directory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_no_link_or_pipe),
		cmocka_unit_test(lines),
		cmocka_unit_test(escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
