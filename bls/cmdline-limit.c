/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/cmdline-limit.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bls/file.h"
#include "prepare-root/path.h"

enum { HEADER_SIZE = 0x23c, LINE_MAX_USUAL = 2047, LINE_MAX_SHORT = 1023 };

static uint32_t little_endian(const unsigned char *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* x86's boot.rst: the magic number at 0x202, then the protocol; cmdline_size since 2.06. */
static size_t x86_line_max(const unsigned char *header)
{
	if (memcmp(header + 0x202, "HdrS", 4) != 0)
		return 0;
	if ((header[0x206] | header[0x207] << 8) < 0x206)
		return 255;
	return little_endian(header + 0x238);
}

/* The magic numbers of arm's zImage, of arm64's and riscv's Image, and of U-Boot's legacy
 * header. */
static size_t board_line_max(const unsigned char *header)
{
	enum { UIMAGE_ARM = 2, UIMAGE_ARM64 = 22, UIMAGE_RISCV = 26 };

	if (little_endian(header + 0x24) == 0x016f2818 || memcmp(header + 0x38, "RSC\x05", 4) == 0)
		return LINE_MAX_SHORT;
	if (memcmp(header + 0x38, "ARM\x64", 4) == 0)
		return LINE_MAX_USUAL;
	if (memcmp(header, "\x27\x05\x19\x56", 4) != 0)
		return 0;
	if (header[29] == UIMAGE_ARM || header[29] == UIMAGE_RISCV)
		return LINE_MAX_SHORT;
	return header[29] == UIMAGE_ARM64 ? LINE_MAX_USUAL : 0;
}

size_t cmdline_limit(int boot_fd, const char *path, const char *architecture)
{
	unsigned char header[HEADER_SIZE] = { 0 };
	char resolved[PATH_MAX];
	size_t max = 0;

	if (boot_fd >= 0 && path_resolve(boot_fd, path, PATH_BENEATH, resolved) >= 0 &&
		file_read(boot_fd, resolved, (char *)header, sizeof header) > 0)
		max = x86_line_max(header);
	if (!max)
		max = board_line_max(header);
	if (!max && architecture &&
		(!strcasecmp(architecture, "arm") || !strcasecmp(architecture, "riscv64")))
		max = LINE_MAX_SHORT;
	return max ? max : LINE_MAX_USUAL;
}
