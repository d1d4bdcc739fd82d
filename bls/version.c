/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bls/version.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Step 1: bytes that mean nothing only separate what stands around them. */
static const char *skip_separators(const char *s)
{
	while (*s && !is_digit(*s) && !is_letter(*s) && !strchr("-.~^", *s))
		s++;
	return s;
}

/* One side may have no digits: then it is the older one, whatever the number. */
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
	x_len = strspn(x, "0123456789");
	y_len = strspn(y, "0123456789");
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
		int r;

		a = skip_separators(a);
		b = skip_separators(b);
		for (const char *mark = "~-^."; *mark; mark++) {
			/* Below the end of a string there is only "~". */
			if (*mark == '-' && (!*a || !*b))
				return (*a != '\0') - (*b != '\0');
			if (*a != *mark && *b != *mark)
				continue;
			/* Whoever has it is the older one, see version.h. */
			if (*a != *b)
				return *a == *mark ? -1 : 1;
			a++, b++;
		}
		r = is_digit(*a) || is_digit(*b) ? compare_numbers(&a, &b)
						 : compare_letters(&a, &b);
		if (r)
			return r;
	}
}
