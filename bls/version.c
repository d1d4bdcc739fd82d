/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char digits[] = "0123456789";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Step 1: other bytes only separate parts. */
static const char *skip_separators(const char *s)
{
	while (*s && !is_digit(*s) && !is_letter(*s) && !strchr("-.~^", *s))
		s++;
	return s;
}

/* A side without digits is older, whatever the number. */
static int compare_numbers(const char **a, const char **b)
{
	const char *x = *a, *y = *b;
	size_t x_len, y_len;

	if (is_digit(*x) != is_digit(*y))
		return is_digit(*x) ? 1 : -1;
	while (*x == '0')
		x++;
	while (*y == '0')
		y++;
	x_len = strspn(x, digits);
	y_len = strspn(y, digits);
	*a = x + x_len;
	*b = y + y_len;
	if (x_len != y_len)
		return x_len < y_len ? -1 : 1;
	return memcmp(x, y, x_len);
}

static int compare_letters(const char **a, const char **b)
{
	while (is_letter(**a) && **a == **b)
		(*a)++, (*b)++;
	if (is_letter(**a) && is_letter(**b))
		return **a < **b ? -1 : 1;
	return (int)is_letter(**a) - (int)is_letter(**b);
}

int version_compare(const char *a, const char *b)
{
	for (;;) {
		int order;

		a = skip_separators(a);
		b = skip_separators(b);
		for (const char *mark = "~-^."; *mark; mark++) {
			/* Only "~" is older than the end of a string. */
			if (*mark == '-' && (!*a || !*b))
				return (*a != '\0') - (*b != '\0');
			if (*a != *mark && *b != *mark)
				continue;
			/* The side that has the mark is older, see version.h. */
			if (*a != *b)
				return *a == *mark ? -1 : 1;
			a++, b++;
		}
		order = is_digit(*a) || is_digit(*b) ? compare_numbers(&a, &b)
						     : compare_letters(&a, &b);
		if (order)
			return order;
	}
}

int version_compare_libostree(const char *a, const char *b)
{
	size_t same = 0, number, a_len, b_len;

	while (a[same] && a[same] == b[same])
		same++;
	number = same;
	while (number && is_digit(a[number - 1]))
		number--;
	a_len = strspn(a + number, digits);
	b_len = strspn(b + number, digits);
	if (a_len && b_len && a_len != b_len) {
		if (a[number] != '0' && b[number] != '0')
			return a_len < b_len ? -1 : 1;
		/* If both are zeros, the longer row is the smaller fraction. */
		if (same > number && strspn(a + number, "0") >= same - number &&
			is_digit(a[same]) != is_digit(b[same]))
			return is_digit(a[same]) ? -1 : 1;
	}
	return (unsigned char)a[same] - (unsigned char)b[same];
}
