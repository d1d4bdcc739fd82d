/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What kernels are, and how long a command line may be, by their headers. */
#include <elf.h>
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

#include "bls/kernel.h"

/* A PE header with a machine and the version of its image, right after that of DOS. */
#define ZEROS_15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PE(machine, version)                                                                       \
	"MZ" ZEROS_15 ZEROS_15 ZEROS_15                                                            \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\0\0\0PE\0\0" machine ZEROS_15 ZEROS_15 ZEROS_15 ZEROS_15   \
	"\0\0" version,                                                                            \
		133

static char directory[] = "/tmp/test-kernel.XXXXXX";

static int set_up(void **state)
{
	static int fd;

	if (!mkdtemp(directory))
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY);
	*state = &fd;
	return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	int fd = *(int *)*state;

	(void)unlinkat(fd, "k", 0);
	(void)unlinkat(fd, "up", 0);
	(void)unlinkat(fd, "boot", 0);
	close(fd);
	return rmdir(directory);
}

/* Makes a file of zeros, with these bytes at an offset. */
static void make(int dir_fd, size_t size, size_t offset, const char *bytes, size_t length)
{
	int fd = openat(dir_fd, "k", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
	close(fd);
}

static void test_headers(void **state)
{
	static const struct {
		size_t size, offset;
		const char *bytes;
		size_t length;
		const char *architecture;
		size_t expected;
	} cases[] = {
		/* x86: protocol 2.15, with the length in its header (0: see below), and 2.05. */
		{ 4096, 0x202, "HdrS\x0f\x02", 6, "arm", 0 },
		{ 4096, 0x202, "HdrS\x05\x02", 6, NULL, 255 },
		/* arm zImage, arm64 and riscv Image, U-Boot's header for these and m68k. */
		{ 4096, 0x24, "\x18\x28\x6f\x01", 4, "x64", 1023 },
		{ 4096, 0x38, "ARM\x64", 4, "arm", 2047 },
		{ 4096, 0x38, "RSC\x05", 4, "aa64", 1023 },
		{ 64, 0, "\x27\x05\x19\x56", 30, NULL, 1023 },
		{ 64, 0, "\x27\x05\x19\x56", 30, "arm", 2047 },
		{ 64, 0, "\x27\x05\x19\x56", 30, "ARM", 1023 },
		{ 64, 0, "\x27\x05\x19\x56", 30, "aa64", 1023 },
		/* Unknown headers, and a file that is too short. */
		{ 4096, 0, "\x1f\x8b", 2, NULL, 2047 },
		{ 4096, 0, "\x1f\x8b", 2, "Arm", 1023 },
		{ 4096, 0, "\x1f\x8b", 2, "RISCV64", 1023 },
		{ 3, 0, "MZ", 2, "aa64", 2047 },
	};
	static const unsigned char machines[] = { 2, 22, 12, 26 };
	int fd = *(int *)*state;
	unsigned uimages = 0;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char bytes[32] = { 0 };
		size_t expected = cases[i].expected;

		memcpy(bytes, cases[i].bytes, cases[i].length == 30 ? 4 : cases[i].length);
		if (cases[i].length == 30)
			bytes[29] = (char)machines[uimages++];
		make(fd, cases[i].size, cases[i].offset, bytes, cases[i].length);
		if (!expected) {
			int kernel = openat(fd, "k", O_WRONLY);

			assert_int_equal(pwrite(kernel, "\xff\x0f\0\0", 4, 0x238), 4);
			close(kernel);
			expected = 4095;
		}
		assert_int_equal(kernel_line_max(fd, "/k", cases[i].architecture), expected);
	}
}

/* The format and the machine; wide is a byte at 0x236, where a 64-bit x86 kernel has 1. */
static void test_formats(void **state)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t length;
		const char *wide;
		enum kernel_format format;
		unsigned machine;
	} cases[] = {
		{ 0x202, "HdrS\x05\x02", 6, "\x01", KERNEL_BZIMAGE, EM_NONE },
		{ 0x202, "HdrS\x0f\x02", 6, "", KERNEL_BZIMAGE, EM_386 },
		{ 0x202, "HdrS\x0f\x02", 6, "\x01", KERNEL_BZIMAGE, EM_X86_64 },
		{ 0x24, "\x18\x28\x6f\x01", 4, "", KERNEL_ZIMAGE, EM_ARM },
		{ 0x38, "ARM\x64", 4, "", KERNEL_IMAGE, EM_AARCH64 },
		{ 0x38, "RSC\x05", 4, "", KERNEL_IMAGE, EM_RISCV },
		{ 0, "\xd0\x0d\xfe\xed", 4, "", KERNEL_FIT, EM_NONE },
		{ 0, "\x1f\x8b\x08", 3, "", KERNEL_GZIP, EM_NONE },
		{ 0, "MZ", 2, "", KERNEL_EFI, EM_NONE },
		{ 0, PE("\x64\xaa", "\0"), "", KERNEL_EFI, EM_AARCH64 },
		{ 0, PE("\x64\x86", "\0"), "", KERNEL_EFI_PC, EM_X86_64 },
		{ 0, PE("\x4c\x01", "\1"), "", KERNEL_EFI, EM_386 },
		{ 0, "\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\x16", 20, "", KERNEL_ELF, EM_S390 },
		{ 0, "\x27\x05\x19\x56", 4, "", KERNEL_UIMAGE, EM_NONE },
		{ 0, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\xf3", 19, "", KERNEL_ELF, EM_RISCV },
		{ 0, "x", 1, "", KERNEL_UNKNOWN, EM_NONE },
	};
	int fd = *(int *)*state;
	struct kernel kernel;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int file;

		make(fd, 4096, cases[i].offset, cases[i].bytes, cases[i].length);
		file = openat(fd, "k", O_WRONLY);
		assert_int_equal(pwrite(file, cases[i].wide, strlen(cases[i].wide), 0x236),
			strlen(cases[i].wide));
		close(file);
		assert_int_equal(kernel_read(fd, "/k", &kernel), 0);
		assert_int_equal(kernel.format, cases[i].format);
		assert_int_equal(kernel.machine, cases[i].machine);
		assert_true(*kernel_name(kernel.format));
	}
	make(fd, 0, 0, "", 0);
	assert_int_equal(kernel_read(fd, "/k", &kernel), -ENODATA);
	assert_int_equal(kernel_read(fd, "/gone", &kernel), -ENOENT);
	assert_int_equal(kernel.format, KERNEL_UNKNOWN);
}

static void test_paths(void **state)
{
	int fd = *(int *)*state;

	make(fd, 4096, 0x24, "\x18\x28\x6f\x01", 4);
	assert_int_equal(symlinkat(".", fd, "boot"), 0);
	assert_int_equal(symlinkat("../../etc/passwd", fd, "up"), 0);
	assert_int_equal(kernel_line_max(fd, "/boot/boot/k", NULL), 1023);
	assert_int_equal(kernel_line_max(fd, "/gone", NULL), 2047);
	assert_int_equal(kernel_line_max(fd, "/up", NULL), 2047);
	assert_int_equal(kernel_line_max(-1, "/k", NULL), 2047);
	assert_int_equal(kernel_line_max(-1, "/k", "arm"), 1023);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
