/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootconf: what ostree/prepare-root.conf and the command line ask for, beside what this version
 * can do.
 *
 * Who asks for protection gets it or no boot: composefs, which is not there yet, is refused, and so
 * is what is not understood in its place. What else is asked for and not done is one loud line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "prepare-root/cmdline.h"
#include "prepare-root/log.h"

/*
 * Judges ostree.prepare-root.composefs= and what else begins so. Returns 0, or -EOPNOTSUPP or
 * -EINVAL with the sentence set.
 */
int rootconf_cmdline(const struct cmdline *cmdline, struct fault *ret_fault);

/*
 * Judges the text of a file that is called name in what is said. ret_readonly is set to
 * sysroot.readonly where the file has it, and left alone otherwise; where it is NULL, the file is
 * there for refusing only, and the key is one that nothing is done about. Returns 0, or a negative
 * errno with the sentence set.
 */
int rootconf_file(const char *name, const char *text, size_t len, bool *ret_readonly,
	struct fault *ret_fault);
