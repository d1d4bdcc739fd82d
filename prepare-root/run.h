/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run: a plan, carried out, and taken back where it fails.
 */
#pragma once

#include "prepare-root/facts.h"
#include "prepare-root/log.h"

/*
 * Makes the plan and runs it. Returns 0, or a negative errno with the sentence set and, where the
 * plan says how, the mounts as they were. For process 1 the last step executes init with argv, and
 * the call returns only if it failed; before_init (or NULL) is called when only that step is left.
 */
int run_plan(
	const struct facts *facts, char **argv, void (*before_init)(void), struct fault *ret_fault);
