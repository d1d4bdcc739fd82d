/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looks at the running system: mounts, small files, other programs. Where the caller has no better
 * explanation of a failure, these functions add one with report_say().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { LOOK_TEXT = 256 };

/* One line of /proc/self/mountinfo; see proc(5). Longer fields are cut. */
struct mounted {
	unsigned maj;
	unsigned min;
	char root[LOOK_TEXT];
	char target[LOOK_TEXT];
	char options[LOOK_TEXT];
	char tags[LOOK_TEXT];
	char type[LOOK_TEXT];
	char super[LOOK_TEXT];
};

/* Calls EACH for every mount in the table, in its order. */
void look_mounts(void (*each)(const struct mounted *mounted, void *data), void *data);

/* The topmost mount on TARGET; false, with an explanation, if there is none. */
bool look_mount(const char *target, struct mounted *ret);

/* True if the comma-separated LIST has WORD. */
bool look_has(const char *list, const char *word);

/* The first line of a file, without its line feed; false if it cannot be read. */
bool look_text(const char *path, char *ret, size_t size);

/* Writes a small file, with fsync; returns 0 or -errno. */
int look_store(const char *path, const char *text);

/* Runs a program and returns its exit status, with what it printed in RET; -1 if it did not run. */
int look_run(char *const argv[], char *ret, size_t size);
