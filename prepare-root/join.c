/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/join.h"

#include <errno.h>
#include <string.h>

int vjoin(char *ret_text, size_t size, va_list parts)
{
	size_t used = 0;

	ret_text[0] = 0;
	for (const char *part; (part = va_arg(parts, const char *));) {
		size_t len = strlen(part);

		if (len >= size - used) {
			ret_text[0] = 0;
			return -ENAMETOOLONG;
		}
		memcpy(ret_text + used, part, len + 1);
		used += len;
	}
	return (int)used;
}

int join(char *ret_text, size_t size, ...)
{
	va_list parts;
	int len;

	va_start(parts, size);
	len = vjoin(ret_text, size, parts);
	va_end(parts);
	return len;
}

char *decimal(unsigned number, char buffer[static 12])
{
	char *digit = buffer + 11;

	*digit = 0;
	do
		*--digit = (char)('0' + number % 10);
	while (number /= 10);
	return digit;
}
