/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * onfail: what process 1 does after it has reported why the boot failed, by rootstock.onfail=.
 *
 * Without the word, or where its value cannot be used, process 1 exits: then the kernel panics, and
 * its own panic= decides.
 */
#pragma once

#include <stdbool.h>

enum onfail_action { ONFAIL_PANIC, ONFAIL_REBOOT, ONFAIL_HALT, ONFAIL_SHELL };

struct onfail {
	enum onfail_action action;
	unsigned seconds; /* before the reboot, at most 86400 */
};

/*
 * Reads panic, reboot, reboot:SECONDS, halt or shell. Returns 0, or -EINVAL for any other value,
 * with *ret_onfail the default, panic.
 */
int onfail_parse(const char *value, struct onfail *ret_onfail);

/*
 * Chooses by the value, NULL where there is no such word. Warns and falls back to the default if
 * the value is wrong, or asks for a shell where has_shell is false.
 */
struct onfail onfail_choose(const char *value, bool has_shell);
