/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of versions: the specification's examples, and comparison with systemd and glibc. */
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "bls/version.h"

extern char **environ;

static int sign(int r)
{
	return (r > 0) - (r < 0);
}

static void test_examples(void **state)
{
	static const struct {
		const char *a;
		int r;
		const char *b;
	} cases[] = {
		/* The examples of UAPI.10. Two of them ("'' < ~" and "0 < ~") contradict its steps
		 * 3 and 4, systemd and the purpose of "~", so they are here as in the steps. */
		{ "11", 0, "11" },
		{ "systemd-123", 0, "systemd-123" },
		{ "bar-123", -1, "foo-123" },
		{ "123a", 1, "123" },
		{ "123.a", 1, "123" },
		{ "123.a", -1, "123.b" },
		{ "123a", 1, "123.a" },
		{ "11\xce\xb1", 0, "11\xce\xb2" },
		{ "A", -1, "a" },
		{ "", -1, "0" },
		{ "0.", 1, "0" },
		{ "0.0", 1, "0" },
		{ "0", 1, "~" },
		{ "", 1, "~" },
		{ "1_", 0, "1" },
		{ "_1", 0, "1" },
		{ "1_", -1, "1.2" },
		{ "1_2_3", 1, "1.3.3" },
		{ "1+", 0, "1" },
		{ "+1", 0, "1" },
		{ "1+2+3", 1, "1.3.3" },
		/* Real versions of kernels and names of entries. */
		{ "6.1~rc1", -1, "6.1" },
		{ "6.1.0-rc1", -1, "6.1.0-1" },
		{ "6.01", 0, "6.1" },
		{ "ostree-2", -1, "ostree-10" },
		{ "ostree-9-x", -1, "ostree-10-x" },
		{ "5.10.0-28", -1, "6.1.0-3" },
		{ "99999999999999999999998", -1, "99999999999999999999999" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		if (sign(version_compare(cases[i].a, cases[i].b)) != cases[i].r ||
			sign(version_compare(cases[i].b, cases[i].a)) != -cases[i].r)
			fail_msg("'%s' and '%s' do not compare as %d", cases[i].a, cases[i].b,
				cases[i].r);
	}
}

/* Returns the result of systemd-analyze, -1, 0 or 1, or -2 if it cannot be run. */
static int ask_systemd(const char *a, const char *b)
{
	const char *argv[] = { "systemd-analyze", "compare-versions", "--", a, b, NULL };
	posix_spawn_file_actions_t quiet;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, (char **)argv, environ) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&quiet);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -2;
	switch (WEXITSTATUS(status)) {
	case 0:
		return 0;
	case 11:
		return 1;
	case 12:
		return -1;
	default:
		return -2;
	}
}

static unsigned seed;

static unsigned next_random(void)
{
	/* Numerical Recipes' generator, which unlike rand() is the same everywhere. */
	seed = seed * 1664525u + 1013904223u;
	return seed >> 16;
}

static void make_version(char *version)
{
	static const char bytes[] = "0012239abzAZ..--~^_+";
	unsigned length = next_random() % 9;

	for (unsigned i = 0; i < length; i++)
		version[i] = bytes[next_random() % (sizeof bytes - 1)];
	version[length] = '\0';
}

static void test_against_systemd(void **state)
{
	const char *given = getenv("SEED");
	unsigned first = given ? (unsigned)strtoul(given, NULL, 0) : 1, unequal = 0;

	(void)state;
	if (ask_systemd("2", "1") != 1)
		skip();
	seed = first;
	for (int i = 0; i < 500; i++) {
		char a[16] = "", b[16];
		int ours, theirs;

		make_version(a);
		/* Most pairs have a common start, so that later characters decide. */
		memcpy(b, a, sizeof b);
		if (next_random() % 3)
			make_version(b + next_random() % (strlen(b) + 1) % 7);
		ours = sign(version_compare(a, b));
		theirs = ask_systemd(a, b);
		unequal += ours != 0;
		if (ours != theirs)
			fail_msg("'%s' and '%s': we say %d, systemd %d (SEED=%u)", a, b, ours,
				theirs, first);
	}
	assert_true(unequal > 200);
}

static void test_against_glibc(void **state)
{
	const char *given = getenv("SEED");
	unsigned first = given ? (unsigned)strtoul(given, NULL, 0) : 1, unequal = 0;

	(void)state;
	seed = first;
	for (int i = 0; i < 100000; i++) {
		char a[16] = "", b[16];
		int ours, theirs;

		make_version(a);
		memcpy(b, a, sizeof b);
		make_version(b + next_random() % (strlen(b) + 1) % 7);
		ours = sign(version_compare_libostree(a, b));
		theirs = sign(strverscmp(a, b));
		unequal += ours != 0;
		if (ours != theirs)
			fail_msg("'%s' and '%s': we say %d, glibc %d (SEED=%u)", a, b, ours, theirs,
				first);
	}
	assert_true(unequal > 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_against_systemd),
		cmocka_unit_test(test_against_glibc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
