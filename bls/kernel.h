/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel: what the file of a kernel is, as its first bytes show.
 *
 * The formats and their magic numbers: Linux, Documentation/arch/x86/boot.rst, arch/arm/boot.rst,
 * arch/arm64/booting.rst, arch/riscv/boot-image-header.rst; the PE/COFF specification; U-Boot, include/image.h for its legacy
 * header and doc/usage/fit for the device tree that is a container. An x86 kernel has the greatest
 * length of its command line in the header (cmdline_size); elsewhere the architecture gives it
 * (COMMAND_LINE_SIZE, arch/ARCH/include/uapi/asm/setup.h). A kernel cuts a longer line without a
 * message, and ostree= is often at its end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum kernel_format {
	KERNEL_UNKNOWN,
	KERNEL_BZIMAGE, /* x86 */
	KERNEL_ZIMAGE,	/* arm */
	KERNEL_IMAGE,	/* arm64, riscv */
	KERNEL_EFI, /* another program for EFI, for example an arm64 kernel with CONFIG_EFI_ZBOOT */
	KERNEL_EFI_PC, /* the same for x86, for example a unified kernel image: see efi() */
	KERNEL_GZIP,   /* of what is not known */
	KERNEL_UIMAGE,
	KERNEL_FIT,
	KERNEL_ELF, /* vmlinux */
};

struct kernel {
	enum kernel_format format;
	unsigned machine; /* EM_... of elf.h; 0 if the file does not show it */
	size_t line_max;  /* of the command line, without the final NUL; 0: see there */
};

/* How the format is called in a message: "a bzImage". */
const char *kernel_name(enum kernel_format format);

/* Enough bytes of a file to identify it. */
enum { KERNEL_HEADER_SIZE = 0x23c };

/* Identifies a file by its first bytes, with zeros after its end. */
struct kernel kernel_identify(const unsigned char header[KERNEL_HEADER_SIZE]);

/* Whether a kernel for one EM_... starts programs for another: most 64-bit kernels start those for the
 * 32-bit architecture too. */
bool kernel_can_start(unsigned kernel, unsigned program);

/* Identifies the kernel at path in the directory boot_fd; a path that leads out of it is not read.
 * Returns 0, or a negative errno with *ret_kernel empty;
 * -ENODATA for an empty file. */
int kernel_read(int boot_fd, const char *path, struct kernel *ret_kernel);

/* The greatest length of a command line for that kernel. architecture is the entry's (UAPI.1) or
 * NULL; it decides if the file cannot be read or does not show it, for example after gzip. If
 * neither does, the limit is 2047. boot_fd may be -1: no file is read. */
size_t kernel_line_max(int boot_fd, const char *path, const char *architecture);
