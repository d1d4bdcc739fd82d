/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which lines reach the console and which the kernel's log, files playing both. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/log.h"

enum { QUIET = 4, USUAL = 7 };

static char console_path[] = "/tmp/test-log-XXXXXX", kmsg_path[] = "/tmp/test-log-XXXXXX";

/* What was written to the file since the last time. */
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
	log_line(LOG_FAILURE, "failure");
	log_line(LOG_LOUD, "loud");
	log_line(LOG_NOTE, "note");
	log_line(LOG_DONE, "done");
	dup2(real, STDERR_FILENO);
	close(real);
	close(console);
}

/* The log cannot be closed again, so what each has to say comes in this order. */
static void lines(void **state)
{
	static const char everything[] =
		"<27>rootstock: failure\n<28>rootstock: loud\n<29>rootstock: note\n"
		"<30>rootstock: done\n";

	(void)state;
	close(mkstemp(console_path));
	close(mkstemp(kmsg_path));
	log_start();

	/* Without a kernel's log the console has to do, even a quiet one. */
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
	unlink(console_path);
	unlink(kmsg_path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(lines) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
