/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "prepare-root/join.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int join(char *ret_text, size_t size, ...)
{
	size_t used = 0;
	va_list parts;

	ret_text[0] = 0;
	va_start(parts, size);
	for (const char *part; (part = va_arg(parts, const char *));) {
		size_t len = strlen(part);

		if (len >= size - used) {
			ret_text[0] = 0;
			va_end(parts);
			return -ENAMETOOLONG;
		}
		memcpy(ret_text + used, part, len + 1);
		used += len;
	}
	va_end(parts);
	return (int)used;
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
