/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fault: why something failed, as one sentence in a GError.
 *
 * The sentence has no full stop and may hold names as they are: whoever prints it makes them
 * harmless (bls/report.h).
 */
#pragma once

#include <glib.h>

/* Sets *error to a sentence; returns FALSE. */
gboolean fault(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* The same with what errno says after it. */
gboolean fault_errno(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
