/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as an initramfs. Nothing is unpacked: there is no program for it in PATH. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bls/check/initrd.h"
#include "bls/check/modules.h"
#include "bls/check/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct initrd initrd = { 0 };
	FILE *file = tmpfile();
	uint64_t used = 0;

	if (!file || setenv("PATH", "/nowhere", 1) || fwrite(data, 1, size, file) != size)
		abort();
	if (fflush(file))
		abort();
	initrd_take(fileno(file), &used, &initrd);
	(void)fclose(file);
	if (used > STREAM_MAX || strlen(initrd.release) >= sizeof initrd.release ||
		!initrd_name(initrd.maker))
		abort();
	(void)modules_have(&initrd.modules, "ext4");
	initrd_free(&initrd);
	return 0;
}
