/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a keyfile and as an fstab: no access outside them, and lines that exist. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "prepare-root/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct where where;
	bool value;
	int err = conf_bool((const char *)data, size, "sysroot", "readonly", &value, &where);

	if (err && err != -ENOENT && err != -EINVAL)
		abort();
	if (err == -EINVAL && (!where.line || where.line > size || !where.what))
		abort();
	conf_fstab_has((const char *)data, size, "/var");
	return 0;
}
