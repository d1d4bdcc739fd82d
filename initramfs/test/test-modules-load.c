/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading the modules of an image in their order, even if the kernel refuses some of them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "initramfs/modules.h"
#include "initramfs/test/words.h"
#include "prepare-root/log.h"

static char top[] = "/tmp/test-modules-XXXXXX";
static char calls[100000];
static const char *errors; /* "FILE:ERRNO ", with which the kernel refuses a file */
static int last_fd;

static const char *in_top(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", top, name);
	return path;
}

/* Replaces the C library's: redirects paths of the image to a directory of this test. */
int open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/kmsg"))
		return openat(AT_FDCWD, in_top("log"), flags | O_CREAT | O_APPEND, 0600);
	if (strncmp(path, "/modules/", strlen("/modules/")) != 0)
		return openat(AT_FDCWD, path, flags, 0600);
	return openat(AT_FDCWD, in_top(path + strlen("/modules/")), flags);
}

long syscall(long number, ...)
{
	char link[32], file[128] = "", word[160];
	const char *parameters, *found;
	va_list arguments;

	assert_int_equal(number, SYS_finit_module);
	va_start(arguments, number);
	last_fd = va_arg(arguments, int);
	parameters = va_arg(arguments, const char *);
	assert_int_equal(va_arg(arguments, int), 0);
	va_end(arguments);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", last_fd);
	assert_true(readlink(link, file, sizeof file - 1) > 0);
	assert_true(fcntl(last_fd, F_GETFD) & FD_CLOEXEC);
	(void)snprintf(word, sizeof word, "%s:", strrchr(file, '/') + 1);
	(void)snprintf(
		calls + strlen(calls), sizeof calls - strlen(calls), "%s%s;", word, parameters);
	found = strstr(errors, word);
	if (!found)
		return 0;
	errno = atoi(found + strlen(word));
	return -1;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_top(name), "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
}

/* Loads the list; returns what was logged. */
static const char *load(const char *order, const char *cmdline, const char *kernel_says)
{
	static char text[8192];
	FILE *file;
	size_t size;

	*calls = 0;
	errors = kernel_says;
	if (order)
		write_file("order", order);
	else
		unlink(in_top("order"));
	modules_load(split_words(cmdline));
	file = fopen(in_top("log"), "r");
	assert_non_null(file);
	size = fread(text, 1, sizeof text - 1, file);
	text[size] = 0;
	(void)fclose(file);
	assert_int_equal(truncate(in_top("log"), 0), 0);
	return text;
}

static void in_order(void **state)
{
	(void)state;
	assert_string_equal(
		load("b.ko\na-a.ko x=1 \"y z\"\n\nc.ko\n", "quiet a_a.x=2 c.q c.ko=3 -- b.x", ""),
		"");
	assert_string_equal(calls, "b.ko:;a-a.ko:x=1 \"y z\" x=2;c.ko:q ko=3;");
	/* The last line may lack its line break. */
	assert_string_equal(load("c.ko\nb.ko y", "", ""), "");
	assert_string_equal(calls, "c.ko:;b.ko:y ;");
	assert_int_equal(fcntl(last_fd, F_GETFD), -1);
}

static void nothing_to_load(void **state)
{
	(void)state;
	assert_string_equal(load(NULL, "a.x=1", ""), "");
	assert_string_equal(load("", "a.x=1", ""), "");
	assert_string_equal(calls, "");
}

static void already_there(void **state)
{
	(void)state;
	assert_string_equal(load("b.ko\nc.ko\n", "", "b.ko:17 "), "");
	assert_string_equal(calls, "b.ko:;c.ko:;");
}

/* Each failure names its module and its reason, and the next module is loaded. */
static void failures(void **state)
{
	static const struct {
		const char *file, *kernel_says, *said;
	} cases[] = {
		{ "b.ko", "b.ko:8 ",
			"<28>rootstock: cannot load the module b.ko: Exec format error; was it made for this kernel?; the boot goes on without it\n" },
		{ "b.ko", "b.ko:129 ",
			"<28>rootstock: cannot load the module b.ko: Key was rejected by service; was it made for this kernel?; the boot goes on without it\n" },
		{ "b.ko", "b.ko:2 ",
			"<28>rootstock: cannot load the module b.ko: No such file or directory; does the image lack a module that it needs, or does modprobe.blacklist= list one?; the boot goes on without it\n" },
		{ "gone.ko", "",
			"<28>rootstock: cannot load the module gone.ko: No such file or directory; does the image lack a module that it needs, or does modprobe.blacklist= list one?; the boot goes on without it\n" },
		{ "b.ko", "b.ko:12 ",
			"<28>rootstock: cannot load the module b.ko: Cannot allocate memory; the boot goes on without it\n" },
		/* A machine without the device of a module is normal, so this is only a notice. */
		{ "b.ko", "b.ko:19 ",
			"<29>rootstock: cannot load the module b.ko: No such device; the boot goes on without it\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char order[64];

		(void)snprintf(order, sizeof order, "%s\nc.ko\n", cases[i].file);
		assert_string_equal(load(order, "", cases[i].kernel_says), cases[i].said);
		assert_non_null(strstr(calls, "c.ko:;"));
	}
}

/* Only modules on modprobe.blacklist= are skipped; module_blacklist= is left to the kernel. */
static void not_wanted(void **state)
{
	(void)state;
	assert_string_equal(load("b.ko\na-a.ko\nc.ko\n", "modprobe.blacklist=x,a_a", ""),
		"<29>rootstock: cannot load the module a-a.ko: modprobe.blacklist= lists it; the boot goes on without it\n");
	assert_string_equal(calls, "b.ko:;c.ko:;");
	assert_string_equal(load("b.ko\n", "module_blacklist=b", "b.ko:1 "),
		"<29>rootstock: cannot load the module b.ko: module_blacklist= lists it; the boot goes on without it\n");
	assert_string_equal(calls, "b.ko:;");
	assert_string_equal(load("b.ko\n", "module_blacklist=c", "b.ko:1 "),
		"<28>rootstock: cannot load the module b.ko: Operation not permitted; the boot goes on without it\n");
}

/* As many parameters as fit into the list and into the command line reach the kernel. */
static void many_parameters(void **state)
{
	static char order[60000], cmdline[CMDLINE_MAX], expected[80000];
	int used = 0;

	(void)state;
	memset(order, 'x', sizeof order);
	memcpy(order, "b.ko ", 5);
	order[sizeof order - 1] = 0;
	while (used < CMDLINE_MAX - 20)
		used += snprintf(cmdline + used, sizeof cmdline - (size_t)used, "b.a=b,\"c d\" ");
	assert_string_equal(load(order, cmdline, ""), "");
	(void)snprintf(expected, sizeof expected, "b.ko:%s", order + 5);
	assert_memory_equal(calls, expected, strlen(expected));
	assert_int_equal(strlen(calls),
		strlen(expected) + 1 + (size_t)(used / 12) * strlen(" a=\"b,\"c d\"\""));
}

/* A file name or a list that is too long is reported. */
static void too_much(void **state)
{
	static char text[70000];

	(void)state;
	memset(text, 'x', sizeof text);
	strcpy(text + 200, "\nc.ko\n");
	assert_non_null(strstr(load(text, "", ""), ": File name too long; the boot goes on"));
	assert_string_equal(calls, "c.ko:;");
	memset(text, '\n', sizeof text);
	memcpy(text, "b.ko\n", 5);
	text[sizeof text - 1] = 0;
	assert_string_equal(load(text, "", ""),
		"<28>rootstock: cannot read /modules/order, the list of modules: it is too long\n");
	assert_string_equal(calls, "b.ko:;");
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	for (const char *const *name = (const char *const[]){ "a-a.ko", "b.ko", "c.ko", NULL };
		*name; name++)
		write_file(*name, "");
	log_open("/dev/kmsg");
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (const char *const *name =
			(const char *const[]){ "a-a.ko", "b.ko", "c.ko", "order", "log", NULL };
		*name; name++)
		unlink(in_top(*name));
	return rmdir(top);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(nothing_to_load),
		cmocka_unit_test(already_there),
		cmocka_unit_test(failures),
		cmocka_unit_test(not_wanted),
		cmocka_unit_test(many_parameters),
		cmocka_unit_test(too_much),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
