/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crc: the checksum of U-Boot's command crc32, as in zlib and Ethernet. */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint32_t crc_make(const char *bytes, size_t size);
