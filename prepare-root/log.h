/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log: one sentence, one record, where the person who needs it will look.
 *
 * Every line goes to the kernel's log, if /dev/kmsg can be opened: from there it reaches pstore and
 * the journal. Errors and warnings also go to standard error, which for process 1 is the console,
 * whatever the console's log level. Each line begins with "rootstock: ". Lines contain names from
 * disks and trees, and a terminal obeys control bytes: all but printable ASCII is shown as \xNN, as
 * the kernel shows its own log. Nothing here can fail a boot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
/*
 * Levels. LOG_ERR: the boot or the call ends here; LOG_WARNING: the boot goes on, but not as
 * configured; LOG_NOTICE: it takes long, or something is missing that may not be needed; LOG_INFO.
 */
#include <syslog.h>

/* With its prefix this is about the longest record that the kernel's log takes. */
enum { SENTENCE_SIZE = 960 };

/* One sentence that says what failed, which path, why, and what to check. */
struct fault {
	char sentence[SENTENCE_SIZE];
};

/*
 * Writes text into ret_line (size bytes, the final zero byte included), with anything but printable
 * ASCII as \xNN, as far as it fits. Returns what is left of text, "" when that was all.
 */
const char *log_escape(const char *text, char *ret_line, size_t size);

/*
 * Joins strings, up to a NULL, to a sentence; each is cut after 256 bytes. Returns error, a
 * negative errno.
 */
int fault(struct fault *ret_fault, int error, ...) __attribute__((sentinel));

/*
 * To be called before anything is opened: standard error is used only if it is open now. Without a
 * console the kernel starts init without it, and descriptor 2 will then be a file of ours.
 */
void log_start(void);

/*
 * Gives each line to a function instead, without a prefix; NULL ends that. For programs that ask
 * this folder's code what it would do.
 */
void log_divert(void (*take)(int level, const char *sentence));

/* Opens the kernel's log at this path; after the first success further calls change nothing. */
void log_open(const char *kmsg);

/* Reopens it, because the kernel limits the rate of each open file; if that fails, keeps it. */
void log_reopen(const char *kmsg);

/* True when log_open has found a kernel log. */
bool log_has_kmsg(void);

/*
 * From here on warnings stay off standard error if there is a kernel log and level, the console's
 * own log level (4 with quiet), hides warnings. Errors are always shown.
 */
void log_console(unsigned level);

/* Logs one line. Standard error gets LOG_NOTICE and LOG_INFO only where there is no kernel log. */
void log_line(int level, const char *sentence);

/* Logs one line, joined from strings as fault() joins them. */
void log_parts(int level, ...) __attribute__((sentinel));
