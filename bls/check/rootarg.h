/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootarg: whether root= leads to the root file system, for whoever mounts it: the kernel, by its
 * own rules, or an initramfs, of which rootstock-init is asked through its own parser.
 */
#pragma once

#include "bls/check/subject.h"

/* builtin, the modules built into the kernel, is NULL if they are not known. */
void rootarg_check(struct subject *subject, const struct text *builtin);
