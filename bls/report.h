/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report: what a generator has to say, where somebody will read it.
 *
 * Every message goes to standard error. libostree sends a generator's output to /dev/null (unless
 * told otherwise, and always before 2024.8), so in its hook a message also goes to the system log,
 * or to the kernel's where no log service is listening. Reporting cannot fail a generator.
 */
#pragma once

#include <stdbool.h>

enum report_level {
	REPORT_ERROR = 3, /* syslog's LOG_ERR: the generator fails, or leaves an entry out */
	REPORT_WARNING = 4,
};

struct reporter {
	const char *program;
	bool hook; /* called by libostree */
};

/*
 * To be called first in main(): messages then decide nothing. A reader of standard error that has
 * gone ends no program, and no file that is opened later gets the number of a standard descriptor
 * that was closed, and so the messages; to write to that one still fails.
 */
void report_prepare(void);

/*
 * Says one sentence, without the full stop. Bytes that are not printable ASCII are shown as "?", so
 * that a file name can neither forge a second message nor upset a terminal. Cut at 1000 bytes.
 * Nothing happens without a reporter.
 */
void report(const struct reporter *reporter, enum report_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
