/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/run.h"

#include "prepare-root/plan.h"

int run_plan(
	const struct facts *facts, char **argv, void (*before_init)(void), struct fault *ret_fault)
{
	static struct plan plan;
	int err = plan_make(facts, &plan);
	size_t last, done;

	if (err)
		return fault(ret_fault, err, "the path of the deployment is too long", NULL);
	last = plan.count - (facts->world == WORLD_PID1);
	err = step_run(plan.steps, last, argv, &done, ret_fault);
	if (!err && last < plan.count) {
		if (before_init)
			before_init();
		err = step_run(plan.steps + last, 1, argv, &done, ret_fault);
		done += last;
	}
	for (size_t i = err ? plan.undo_count : 0; i--;)
		if (plan.undo[i].after < done)
			step_try(plan.undo[i].step);
	return err;
}
