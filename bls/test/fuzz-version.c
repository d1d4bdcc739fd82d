/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as three strings, separated by NUL: both comparisons of versions are total orders. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bls/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STRINGS = 3 };

static int sign(int r)
{
	return (r > 0) - (r < 0);
}

static void check_order(int (*compare)(const char *, const char *), char *const strings[STRINGS])
{
	int r[STRINGS][STRINGS];

	for (size_t i = 0; i < STRINGS; i++)
		for (size_t j = 0; j < STRINGS; j++)
			r[i][j] = sign(compare(strings[i], strings[j]));
	for (size_t i = 0; i < STRINGS; i++) {
		assert(r[i][i] == 0);
		for (size_t j = 0; j < STRINGS; j++) {
			assert(r[i][j] == -r[j][i]);
			for (size_t k = 0; k < STRINGS; k++) {
				/* Transitive, and equal ones compare alike with others. */
				if (r[i][j] <= 0 && r[j][k] <= 0)
					assert(r[i][k] <= 0);
				if (r[i][j] == 0)
					assert(r[i][k] == r[j][k]);
			}
		}
	}
}

/* Returns the string with a part inserted. */
static char *insert(const char *string, size_t at, const char *part)
{
	char *longer = malloc(strlen(string) + strlen(part) + 1);

	assert(longer);
	memcpy(longer, string, at);
	strcpy(stpcpy(longer + at, part), string + at);
	return longer;
}

/* Checks whether inserting a part makes the version older, newer or equal. */
static void expect(const char *string, size_t at, const char *part, int expected)
{
	char *other = insert(string, at, part);

	assert(sign(version_compare(other, string)) == expected);
	free(other);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* These rules hold after a letter or digit; after "~" or "^" systemd differs. */
static void check_rules(const char *string)
{
	static const char *const newer[] = { "-", "^", ".", ".0", "1", "a", "_a", "Z" };
	size_t length = strlen(string);

	expect(string, 0, "_", 0);
	for (size_t i = 0; i < length; i++) {
		if (is_digit(string[i]) && (!i || !is_digit(string[i - 1])))
			expect(string, i, "000", 0);
		if (i && is_word(string[i - 1]) && !is_word(string[i]))
			expect(string, i, "_+\xc3", 0);
	}
	if (!length || !is_word(string[length - 1]))
		return;
	for (size_t i = 0; i < sizeof newer / sizeof *newer; i++)
		expect(string, length, newer[i], 1);
	expect(string, length, "~", -1);
	expect(string, length, "_+ ", 0);
}

/* If the C library is glibc, the result must be that of strverscmp(). */
static void check_libostree(const char *a, const char *b)
{
#ifdef __GLIBC__
	assert(sign(version_compare_libostree(a, b)) == sign(strverscmp(a, b)));
#endif
	assert((version_compare_libostree(a, b) == 0) == !strcmp(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *strings[STRINGS];

	for (size_t i = 0; i < STRINGS; i++) {
		const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
		size_t length = end ? (size_t)(end - data) : size;

		strings[i] = strndup((const char *)data, length);
		assert(strings[i]);
		data += length + (end != NULL);
		size -= length + (end != NULL);
	}
	check_order(version_compare, strings);
	check_order(version_compare_libostree, strings);
	for (size_t i = 0; i < STRINGS; i++) {
		check_rules(strings[i]);
		check_libostree(strings[i], strings[(i + 1) % STRINGS]);
	}
	for (size_t i = 0; i < STRINGS; i++)
		free(strings[i]);
	return 0;
}
