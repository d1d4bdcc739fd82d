/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log: one sentence, one record, where the person who needs it will look.
 *
 * Every line goes to the kernel's log when /dev/kmsg is there (it survives in pstore and reaches
 * the journal) with "rootstock: " in front; what is loud also goes to standard error, which for PID
 * 1 is the console, whatever the console's log level. Names from disks and trees are in the lines,
 * and a terminal obeys bytes: all but printable ASCII is shown as \xNN, as the kernel shows its own
 * log. Nothing here can fail a boot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_FAILURE = 3, /* the kernel's KERN_ERR: the boot or the call ends here */
	LOG_LOUD = 4,	 /* KERN_WARNING: the boot goes on, but not as it was meant to */
	LOG_NOTE = 5,	 /* KERN_NOTICE: it takes long, or is not what it seems */
	LOG_DONE = 6,	 /* KERN_INFO */
};

/* With what comes before it, about what one record of the kernel's log takes. */
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
 * Fills the sentence from strings up to a NULL, of which each shows at most its first 256 bytes,
 * and returns error, a negative errno.
 */
int fault(struct fault *ret_fault, int error, ...) __attribute__((sentinel));

/*
 * To be called before anything is opened: standard error is used only if it is open now. The kernel
 * starts an init without it when there is no console, and descriptor 2 will then be a file of ours.
 */
void log_start(void);

/* Opens the kernel's log at this path; after the first success further calls change nothing. */
void log_open(const char *kmsg);

/* Opens it anew, for who has many lines; the old opening stays if that fails. */
void log_reopen(const char *kmsg);

/* True when log_open has found a kernel log. */
bool log_has_kmsg(void);

/*
 * From here on what is loud stays off standard error where there is a kernel log and level, the
 * kernel's own for its console (quiet is 4), says so. A failure never does.
 */
void log_console(unsigned level);

/* Says one line. LOG_NOTE and LOG_DONE are for standard error only where there is no kernel log. */
void log_line(enum log_level level, const char *sentence);
