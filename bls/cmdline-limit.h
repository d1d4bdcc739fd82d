/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cmdline-limit: how long a command line a kernel accepts, as the kernel's file shows.
 *
 * An x86 kernel has the number in its header (Linux, Documentation/arch/x86/boot.rst,
 * cmdline_size). Other headers show the architecture, and that gives COMMAND_LINE_SIZE
 * (arch/ARCH/include/uapi/asm/setup.h). The kernel cuts a longer line without a message, and
 * ostree= is often at its end.
 */
#pragma once

#include <stddef.h>

/* The greatest length of a command line, without the final NUL, for the kernel at path in the
 * directory boot_fd; a path that leads out of it is not read. architecture is the entry's (UAPI.1)
 * or NULL; it decides if the file cannot be read or does not show it, for example after gzip. If
 * neither does, the limit is 2047. boot_fd may be -1: no file is read. */
size_t cmdline_limit(int boot_fd, const char *path, const char *architecture);
