/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run: a plan, executed, and taken back if it fails.
 */
#pragma once

#include "prepare-root/facts.h"
#include "prepare-root/log.h"

/*
 * Makes the plan and runs it. Returns 0, or a negative errno with the sentence set, after the plan's
 * undo. For process 1 the last step executes init with argv, and the call returns only if something
 * failed; before_init (or NULL) is called right before that step.
 */
int run_plan(
	const struct facts *facts, char **argv, void (*before_init)(void), struct fault *ret_fault);
