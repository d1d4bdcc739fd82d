/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing mountinfo; test-ns-readonly.py tests it with the kernel's content. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/mountinfo.h"

static const char text[] =
	"21 1 8:1 / / rw,relatime - ext4 /dev/root rw,errors=continue\n"
	"22 21 8:1 / /a ro,relatime shared:1 - ext4 /dev/root rw\n"
	"23 21 8:1 / /b rw shared:7 master:1 propagate_from:2 unbindable - ext4 /dev/root ro\n"
	"24 21 8:1 / /c ro,nosuid - ext4 /dev/root ro,ro\n"
	/* A path that looks like a field, options that begin with "ro", an empty source. */
	"25 21 0:5 / /-\\040ro rw,rox - fuse.ro ro rox\n"
	"26 21 0:5 / /ro rw - tmpfs  ro\n"
	"27 21 0:5 / /d ro\n"
	"28 21 0:5 / /e ro - x\n"
	"2 21 0:5 / /f ro - tmpfs x rw\n"
	"29 21 0:5 / /cut ro - tmpfs x rw";

static void tells_mount_from_file_system(void **state)
{
	static const struct {
		unsigned id;
		int err;
		bool mount, super;
	} cases[] = {
		{ 21, 0, false, false },
		{ 22, 0, true, false },
		{ 23, 0, false, true },
		{ 24, 0, true, true },
		{ 25, 0, false, false },
		{ 26, 0, false, true },
		{ 2, 0, true, false },
		/* An incomplete line, or none. */
		{ 27, -ENOENT, false, false },
		{ 28, -ENOENT, false, false },
		{ 29, -ENOENT, false, false },
		{ 30, -ENOENT, false, false },
		{ 0, -ENOENT, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool mount = false, super = false;
		int err = mountinfo_read(text, sizeof text - 1, cases[i].id, &mount, &super);

		if (err != cases[i].err || mount != cases[i].mount || super != cases[i].super)
			fail_msg("%d, %d, %d for %u", err, mount, super, cases[i].id);
	}
}

static void reads_the_number(void **state)
{
	static const struct {
		const char *fdinfo;
		unsigned id;
	} cases[] = {
		{ "pos:\t0\nflags:\t02200000\nmnt_id:\t29\nino:\t2\n", 29 },
		{ "mnt_id:\t1234567\n", 1234567 },
		{ "pos:\t0\n", 0 },
		{ "xmnt_id:\t3\n", 0 },
		{ "mnt_id:\t3", 0 },
		{ "mnt_id:", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(
			mountinfo_id(cases[i].fdinfo, strlen(cases[i].fdinfo)), cases[i].id);
}

/* The file system of /proc is writable according to the real mountinfo. */
static void reads_what_the_kernel_writes(void **state)
{
	static char info[1 << 20];
	char path[64];
	int proc = open("/proc", O_PATH | O_CLOEXEC), fd;
	bool mount = true, super = true;
	ssize_t len;
	unsigned id;

	(void)state;
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", proc);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = read(fd, info, sizeof info);
	assert_true(len > 0);
	id = mountinfo_id(info, (size_t)len);
	assert_true(id > 0);
	close(fd);
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	for (len = 0; len < (ssize_t)sizeof info;) {
		ssize_t got = read(fd, info + len, sizeof info - (size_t)len);

		if (got <= 0)
			break;
		len += got;
	}
	close(fd);
	close(proc);
	assert_int_equal(mountinfo_read(info, (size_t)len, id, &mount, &super), 0);
	assert_false(super);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_mount_from_file_system),
		cmocka_unit_test(reads_the_number),
		cmocka_unit_test(reads_what_the_kernel_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
