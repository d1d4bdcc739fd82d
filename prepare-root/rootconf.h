/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootconf: checks whether this version can do what ostree/prepare-root.conf and the command line
 * ask for.
 *
 * A boot with less protection than was configured is refused: composefs, which this version does
 * not have, and any value in its place that is not understood. Other settings that have no effect
 * are warned about.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "prepare-root/cmdline.h"
#include "prepare-root/log.h"

/*
 * Checks ostree.prepare-root.composefs= and ot-composefs=, and warns about other words with the
 * first prefix. Returns 0, or -EOPNOTSUPP or -EINVAL with the sentence set.
 */
int rootconf_cmdline(const struct cmdline *cmdline, struct fault *ret_fault);

/*
 * Checks the text of a file, called name in messages. Sets *ret_readonly to sysroot.readonly if the
 * file has it; if ret_readonly is NULL, that key is ignored with a warning. Returns 0, or a negative
 * errno with the sentence set.
 */
int rootconf_file(const char *name, const char *text, size_t len, bool *ret_readonly,
	struct fault *ret_fault);
