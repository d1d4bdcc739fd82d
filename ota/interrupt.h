/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * interrupt: a signal that asks the program to end, which then cleans up first.
 *
 * A second one ends it at once. What cannot be interrupted goes on to its end.
 */
#pragma once

#include <glib.h>

/* From now on SIGINT, SIGTERM and SIGHUP are remembered. */
void interrupt_catch(void);

/* False, with a sentence, after a signal. */
gboolean interrupt_check(GError **error);

/* Ends the program by the signal that was remembered, if there was one. */
void interrupt_end(void);
