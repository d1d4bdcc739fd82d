/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The values of rootstock.onfail=, and the fallback if a value cannot be used. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prepare-root/onfail.h"

static void reads_values(void **state)
{
	static const struct {
		const char *value;
		int err;
		struct onfail onfail;
	} cases[] = {
		{ "panic", 0, { ONFAIL_PANIC, 0 } },
		{ "halt", 0, { ONFAIL_HALT, 0 } },
		{ "reboot", 0, { ONFAIL_REBOOT, 0 } },
		{ "reboot:0", 0, { ONFAIL_REBOOT, 0 } },
		{ "reboot:90", 0, { ONFAIL_REBOOT, 90 } },
		{ "reboot:86400", 0, { ONFAIL_REBOOT, 86400 } },
		{ "reboot:86401", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "reboot:99999999999999999999", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "reboot:", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "reboot:-1", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "reboots", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "", -EINVAL, { ONFAIL_PANIC, 0 } },
		{ "shell", 0, { ONFAIL_SHELL, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct onfail onfail;

		assert_int_equal(onfail_parse(cases[i].value, &onfail), cases[i].err);
		assert_int_equal(onfail.action, cases[i].onfail.action);
		assert_int_equal(onfail.seconds, cases[i].onfail.seconds);
	}
}

static void falls_back_to_panic(void **state)
{
	(void)state;
	assert_int_equal(onfail_choose(NULL, true).action, ONFAIL_PANIC);
	assert_int_equal(onfail_choose("reboots", true).action, ONFAIL_PANIC);
	assert_int_equal(onfail_choose("shell", false).action, ONFAIL_PANIC);
	assert_int_equal(onfail_choose("shell", true).action, ONFAIL_SHELL);
	assert_int_equal(onfail_choose("reboot:9", false).seconds, 9);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_values),
		cmocka_unit_test(falls_back_to_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
