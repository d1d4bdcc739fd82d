/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ota/fault.h"

#include <errno.h>

static GQuark domain(void)
{
	return g_quark_from_static_string("rootstock");
}

gboolean fault(GError **error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (error)
		*error = g_error_new_valist(domain(), 0, format, arguments);
	va_end(arguments);
	return FALSE;
}

gboolean fault_errno(GError **error, const char *format, ...)
{
	const int number = errno;
	g_autofree char *what = NULL;
	va_list arguments;

	va_start(arguments, format);
	what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_set_error(error, domain(), number, "%s: %s", what, g_strerror(number));
	return FALSE;
}
