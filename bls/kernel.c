/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/kernel.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "bls/file.h"
#include "prepare-root/path.h"

enum { LINE_MAX_USUAL = 2047, LINE_MAX_SHORT = 1023 };

static uint32_t little_endian(const unsigned char *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

/* cmdline_size is there since version 2.06 of the protocol, xloadflags since 2.12. */
static struct kernel x86(const unsigned char *header)
{
	enum { IS_64_BIT = 1 };
	unsigned protocol = header[0x206] | (unsigned)header[0x207] << 8;

	return (struct kernel){ .format = KERNEL_BZIMAGE,
		.machine = protocol < 0x20c	       ? EM_NONE
			   : header[0x236] & IS_64_BIT ? EM_X86_64
						       : EM_386,
		.line_max = protocol < 0x206 ? 255 : little_endian(header + 0x238) };
}

static struct kernel uimage(const unsigned char *header)
{
	enum { ARM = 2, I386 = 3, ARM64 = 22, X86_64 = 24, RISCV = 26 };
	static const struct {
		unsigned machine;
		size_t line_max;
	} architectures[] = { [ARM] = { EM_ARM, LINE_MAX_SHORT },
		[I386] = { EM_386, 0 },
		[ARM64] = { EM_AARCH64, LINE_MAX_USUAL },
		[X86_64] = { EM_X86_64, 0 },
		[RISCV] = { EM_RISCV, LINE_MAX_SHORT } };
	const unsigned char which = header[29];
	struct kernel kernel = { .format = KERNEL_UIMAGE };

	if (which < sizeof architectures / sizeof *architectures) {
		kernel.machine = architectures[which].machine;
		kernel.line_max = architectures[which].line_max;
	}
	return kernel;
}

static unsigned two_bytes(const unsigned char *bytes)
{
	return bytes[0] | (unsigned)bytes[1] << 8;
}

/* A program for EFI has a PE header. GRUB's loader for x86 wants the one of Linux (HdrS) instead,
 * except that since 2.12, on EFI, a greater version of the image than 0 is enough. */
static struct kernel efi(const unsigned char *header)
{
	enum { MACHINE = 4, IMAGE_VERSION = 68, NEEDED = 70 };
	static const struct {
		unsigned coff, machine;
	} machines[] = { { 0x14c, EM_386 }, { 0x8664, EM_X86_64 }, { 0x1c2, EM_ARM },
		{ 0xaa64, EM_AARCH64 }, { 0x5064, EM_RISCV } };
	const uint32_t at = little_endian(header + 0x3c);
	struct kernel kernel = { .format = KERNEL_EFI };

	if (at > KERNEL_HEADER_SIZE - NEEDED || memcmp(header + at, "PE\0", 4) != 0)
		return kernel;
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (two_bytes(header + at + MACHINE) == machines[i].coff)
			kernel.machine = machines[i].machine;
	if ((kernel.machine == EM_386 || kernel.machine == EM_X86_64) &&
		!two_bytes(header + at + IMAGE_VERSION))
		kernel.format = KERNEL_EFI_PC;
	return kernel;
}

static struct kernel elf(const unsigned char *header)
{
	const bool big = header[EI_DATA] == ELFDATA2MSB;

	return (struct kernel){ KERNEL_ELF,
		header[big ? 19 : 18] | (unsigned)header[big ? 18 : 19] << 8, 0 };
}

/* The order matters: a kernel with an EFI stub begins like any program for EFI. */
struct kernel kernel_identify(const unsigned char header[KERNEL_HEADER_SIZE])
{
	static const struct {
		unsigned place;
		const char *magic;
		struct kernel kernel;
	} known[] = {
		{ 0x24, "\x18\x28\x6f\x01", { KERNEL_ZIMAGE, EM_ARM, LINE_MAX_SHORT } },
		{ 0x38, "ARM\x64", { KERNEL_IMAGE, EM_AARCH64, LINE_MAX_USUAL } },
		{ 0x38, "RSC\x05", { KERNEL_IMAGE, EM_RISCV, LINE_MAX_SHORT } },
		{ 0, "\xd0\x0d\xfe\xed", { KERNEL_FIT, 0, 0 } },
		{ 0, "\x1f\x8b\x08", { KERNEL_GZIP, 0, 0 } },
	};

	if (!memcmp(header + 0x202, "HdrS", 4))
		return x86(header);
	if (!memcmp(header, "\x27\x05\x19\x56", 4))
		return uimage(header);
	if (!memcmp(header, ELFMAG, SELFMAG))
		return elf(header);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!memcmp(header + known[i].place, known[i].magic, strlen(known[i].magic)))
			return known[i].kernel;
	if (!memcmp(header, "MZ", 2))
		return efi(header);
	return (struct kernel){ 0 };
}

bool kernel_can_start(unsigned kernel, unsigned program)
{
	return kernel == program || (kernel == EM_X86_64 && program == EM_386) ||
	       (kernel == EM_AARCH64 && program == EM_ARM);
}

const char *kernel_name(enum kernel_format format)
{
	static const char *const names[] = {
		[KERNEL_UNKNOWN] = "a file of unknown format",
		[KERNEL_BZIMAGE] = "a bzImage",
		[KERNEL_ZIMAGE] = "a zImage",
		[KERNEL_IMAGE] = "an Image",
		[KERNEL_EFI] = "a program for EFI",
		[KERNEL_EFI_PC] = "a program for EFI without the header of a kernel",
		[KERNEL_GZIP] = "a file packed with gzip",
		[KERNEL_UIMAGE] = "a uImage",
		[KERNEL_FIT] = "a FIT image",
		[KERNEL_ELF] = "an ELF file",
	};

	return names[format];
}

int kernel_read(int boot_fd, const char *path, struct kernel *ret_kernel)
{
	unsigned char header[KERNEL_HEADER_SIZE] = { 0 };
	char resolved[PATH_MAX];
	ssize_t n = path_resolve(boot_fd, path, PATH_BENEATH, resolved);

	*ret_kernel = (struct kernel){ 0 };
	if (n >= 0)
		n = file_read(boot_fd, resolved, (char *)header, sizeof header);
	if (n <= 0)
		return n ? (int)n : -ENODATA;
	*ret_kernel = kernel_identify(header);
	return 0;
}

size_t kernel_line_max(int boot_fd, const char *path, const char *architecture)
{
	struct kernel kernel = { 0 };

	if (boot_fd >= 0)
		(void)kernel_read(boot_fd, path, &kernel);
	if (!kernel.line_max && architecture &&
		(!strcasecmp(architecture, "arm") || !strcasecmp(architecture, "riscv64")))
		return LINE_MAX_SHORT;
	return kernel.line_max ? kernel.line_max : LINE_MAX_USUAL;
}
