/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The probe's report: TAP on the second serial port, where no boot chatter can touch it. Every
 * check is one line, flushed at once, so that a guest that dies in the middle has told what it
 * knew; the plan line comes last, so that such a report can never be taken for a complete one.
 */
#pragma once

#include <stdbool.h>

/* Opens the port; false when it is not there (the host then sees that nothing was reported). */
bool report_open(void);

/* Adds to the explanation of the check that report_check() is going to end, printf-like. */
void report_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends a check: "ok N - TEXT", or "not ok N - TEXT" and what was said since the last one. */
void report_check(bool good, const char *text);

/* A fact for the host: "# KEY VALUE". */
void report_note(const char *key, const char *value);

/* Writes the plan, waits until everything has left the machine, closes the port. */
void report_close(void);
