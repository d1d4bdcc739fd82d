/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tree: whether the deployment becomes "/", and its init starts.
 *
 * ostree-prepare-root's own code looks at the sysroot and makes the plan, as its --dry-run does, so
 * that both agree. Its warnings become findings.
 */
#pragma once

#include "bls/check/subject.h"

/* Checks that something prepares the deployment, and that it can be prepared. */
void tree_check(struct subject *subject);
