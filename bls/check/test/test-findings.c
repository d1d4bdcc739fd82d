/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Findings that are not reported twice, and which of them keeps an entry from booting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "bls/check/findings.h"

static const struct finding_kind wrong = { "wrong", FINDINGS_ERROR, false };
static const struct finding_kind odd = { "odd", FINDINGS_WARNING, false };
static const struct finding_kind fatal = { "fatal", FINDINGS_ERROR, true };

static void test_findings(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		findings_add(
			&findings, i % 2 ? &wrong : &odd, (struct place){ "", "f", i }, "%u", i);
	findings_remedy(&findings, "remedy %d", 9);
	findings_add(&findings, &wrong, (struct place){ "", "f", 3 }, "%s", "3");
	/* The finding was there before, so this is about nothing. */
	findings_remedy(&findings, "x");
	assert_int_equal(findings.count, 10);
	assert_int_equal(findings.errors, 5);
	assert_string_equal(findings.list[9]->remedy, "remedy 9");
	assert_null(findings.list[3]->remedy);
	findings_add(&findings, &wrong, (struct place){ "", "g", 3 }, "3");
	findings_add(&findings, &wrong, (struct place){ "", "f", 4 }, "3");
	findings_add(&findings, &wrong, (struct place){ "", "f", 3 }, "4");
	assert_int_equal(findings.count, 13);
	assert_int_equal(findings.errors, 8);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(findings.list[i]->line, i);
		assert_int_equal(findings.list[i]->what[0], '0' + (char)i);
	}
	assert_false(findings.failed);
	findings_free(&findings);
}

/* The first error about a file, else one that concerns all. */
static void test_obstacle(void **state)
{
	struct findings findings = { 0 };

	(void)state;
	findings_add(&findings, &odd, (struct place){ "d/", "a", 0 }, "0");
	assert_null(findings_obstacle(&findings, "d", "a"));
	findings_add(&findings, &wrong, (struct place){ "d", "a", 7 }, "1");
	findings_add(&findings, &wrong, (struct place){ "d", "a", 2 }, "2");
	assert_string_equal(findings_obstacle(&findings, "d/", "a")->what, "1");
	assert_null(findings_obstacle(&findings, "d", "b"));
	findings_add(&findings, &fatal, (struct place){ "", "m", 0 }, "3");
	assert_string_equal(findings_obstacle(&findings, "d", "a")->what, "1");
	assert_string_equal(findings_obstacle(&findings, "d", "b")->what, "3");
	findings_free(&findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_obstacle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
