/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probe's report: TAP on the second serial port, to which nothing else writes. Every check is
 * one line, which is flushed immediately, so that a guest that dies has reported what it knew. The
 * plan comes last, so that the report of such a guest is visibly incomplete.
 */
#pragma once

#include <stdbool.h>

/* Opens the port; false if it does not exist (then the host sees that there is no report). */
bool report_open(void);

/* Adds to the explanation of the next report_check(), like printf. */
void report_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reports a check: "ok N - TEXT", or "not ok N - TEXT" and the explanation since the last one. */
void report_check(bool good, const char *text);

/* Reports a fact to the host: "# KEY VALUE". */
void report_note(const char *key, const char *value);

/* Writes the plan, waits until everything has left the machine, closes the port. */
void report_close(void);
