/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report: messages, where a person will see them.
 *
 * Every message goes to standard error. libostree sends its generator's output to /dev/null (always
 * before 2024.8, later by default), so in its hook a message also goes to the system log, or to the
 * kernel's log if no log service listens. Reporting never makes a program fail.
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

/* To be called first in main(). Afterwards a closed pipe does not kill the program, and no file
 * gets the number of a standard descriptor that was closed, which would put messages into it.
 * Writing to that descriptor still fails. */
void report_prepare(void);

/* Reports one sentence, without a full stop. Bytes that are not printable ASCII become "?", so that
 * a file name can neither forge a second message nor control a terminal. The sentence is cut at
 * 1000 bytes. Without a reporter nothing happens. */
void report(const struct reporter *reporter, enum report_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
