/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Compares plans with golden files, one for each set of facts that changes the plan. After an
 * intended change UPDATE=1 writes them; review the diff like code.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "prepare-root/plan.h"

#define GOLDEN "prepare-root/test/golden/"

#define DEPLOYMENT .deployment = "ostree/deploy/os/deploy/c0ffee.0", .var = "ostree/deploy/os/var"
#define PID1 .world = WORLD_PID1, .sysroot = "", .init = "/sbin/init", DEPLOYMENT
#define UTILITY .world = WORLD_UTILITY, .sysroot = "/sysroot", DEPLOYMENT
#define USUAL .boot = "boot", .mount_var = true

static const struct {
	const char *name;
	struct facts facts;
} cases[] = {
	{ "pid1", { PID1, USUAL, .flags = MS_RELATIME } },
	{ "pid1-ro-nodev", { PID1, USUAL, .flags = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOATIME,
				   .super_readonly = true } },
	{ "pid1-mount-ro", { PID1, USUAL, .flags = MS_RDONLY, .sysroot_readonly = true } },
	{ "pid1-super-ro", { PID1, USUAL, .super_readonly = true } },
	{ "pid1-sysroot-readonly", { PID1, USUAL, .sysroot_readonly = true } },
	{ "pid1-hotfix", { PID1, USUAL, .hotfix = true } },
	{ "pid1-hotfix-ro",
		{ PID1, USUAL, .hotfix = true, .flags = MS_RDONLY, .super_readonly = true } },
	{ "pid1-hotfix-mount-ro", { PID1, USUAL, .hotfix = true, .flags = MS_RDONLY } },
	{ "pid1-all-mounted", { PID1, USUAL, .dev_mounted = true, .proc_mounted = true,
				      .sys_mounted = true, .run_mounted = true } },
	{ "pid1-no-boot-no-var", { PID1 } },
	{ "pid1-readonly-no-var", { PID1, .boot = "boot", .sysroot_readonly = true } },
	{ "utility", { UTILITY, USUAL, .run_mounted = true } },
	{ "utility-no-run", { UTILITY, USUAL } },
	{ "utility-ro-readonly", { UTILITY, USUAL, .run_mounted = true, .flags = MS_RDONLY,
					 .super_readonly = true, .sysroot_readonly = true } },
	{ "utility-mount-ro", { UTILITY, USUAL, .run_mounted = true, .flags = MS_RDONLY } },
	{ "utility-hotfix", { UTILITY, USUAL, .run_mounted = true, .hotfix = true } },
};

static struct plan plan;

static void print_plan(const struct facts *facts, char *ret_text, size_t size)
{
	FILE *file = tmpfile();
	size_t len;

	assert_non_null(file);
	assert_int_equal(plan_make(facts, &plan), 0);
	assert_int_equal(step_print(plan.steps, plan.count, fileno(file)), 0);
	rewind(file);
	len = fread(ret_text, 1, size - 1, file);
	ret_text[len] = 0;
	fclose(file);
}

static void matches_golden_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char path[256], ours[16384], golden[16384];
		FILE *file;
		size_t len;

		print_plan(&cases[i].facts, ours, sizeof ours);
		snprintf(path, sizeof path, GOLDEN "%s.plan", cases[i].name);
		file = fopen(path, getenv("UPDATE") ? "w+" : "r");
		if (!file)
			fail_msg("%s: %s", path, strerror(errno));
		if (getenv("UPDATE")) {
			fputs(ours, file);
			rewind(file);
		}
		len = fread(golden, 1, sizeof golden - 1, file);
		golden[len] = 0;
		fclose(file);
		if (strcmp(ours, golden))
			fail_msg("%s differs; the plan is now:\n%s", path, ours);
	}
}

/* Properties of all plans that must hold even if golden files are updated without review. */
static void keeps_its_promises(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct facts *facts = &cases[i].facts;
		unsigned long keep = facts->flags & ~(unsigned long)MS_RDONLY;
		bool stays = facts->flags & MS_RDONLY && !facts->super_readonly;
		bool usr = false, run = false;

		assert_int_equal(plan_make(facts, &plan), 0);
		for (size_t s = 0; s < plan.count; s++) {
			const struct step *step = &plan.steps[s];
			size_t len = step->target ? strlen(step->target) : 0;

			assert_non_null(step->why);
			assert_true(s + step->skip < plan.count);
			if (stays && (step->op == STEP_REMOUNT || step->op == STEP_SUPER))
				assert_true(step->flags & MS_RDONLY);
			if (step->op == STEP_REMOUNT)
				assert_int_equal(step->flags & ~(unsigned long)MS_RDONLY, keep);
			usr |= step->op == STEP_REMOUNT && len > 4 && step->flags & MS_RDONLY &&
			       !strcmp(step->target + len - 4, "/usr");
			run |= step->op == STEP_WRITE && step->size > 100;
		}
		assert_true(usr);
		assert_true(run);
	}
}

static void refuses_long_paths(void **state)
{
	static struct facts facts = { PID1 };
	size_t len = sizeof facts.deployment - 1;

	(void)state;
	memset(facts.deployment, 'x', len);
	facts.deployment[len] = 0;
	assert_int_equal(plan_make(&facts, &plan), -ENAMETOOLONG);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_golden_files),
		cmocka_unit_test(keeps_its_promises),
		cmocka_unit_test(refuses_long_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
