/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernel: how long a command line a kernel takes, as the file of the kernel says.
 *
 * An x86 kernel has the number in its header (Linux, Documentation/arch/x86/boot.rst,
 * cmdline_size); of the others the header tells the architecture, and that its COMMAND_LINE_SIZE
 * (arch/ARCH/include/uapi/asm/setup.h). A longer line is cut without a message, and ostree= often
 * stands at its end.
 */
#pragma once

#include <stddef.h>

/*
 * The bytes without the final NUL that a command line may have for the kernel at path in the
 * directory boot_fd, out of which the path does not lead; architecture is the entry's (UAPI.1), or
 * NULL, and counts where the file cannot be read or does not tell (packed by gzip, say). Where
 * neither tells, 2047; boot_fd may be -1 for no file at all.
 */
size_t cmdline_limit(int boot_fd, const char *path, const char *architecture);
