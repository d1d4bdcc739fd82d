/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings: a generator's small configuration file, from the deployment that boots next.
 *
 * A line is NAME=VALUE. Blanks around both are ignored, the value is literal up to the end of the
 * line, and "#" starts a comment line. The image's file is usr/lib/rootstock/FILE, the machine's
 * etc/rootstock/FILE; a line of the second overrides the first. The running system's configuration
 * is never read: images are made on other machines, and an update brings its own file.
 */
#pragma once

#include "bls/report.h"

struct setting {
	const char *name;
	char *value;   /* NULL if no file has the name */
	char *file;    /* that has the value: a path in the deployment, for messages */
	unsigned line; /* in that file, counted from 1 */
};

/* Reads the values from the two files called file. The last setting has no name. Warns of names
 * that are not in the array. Returns 0, also if there is no file, or -1 with the reason reported;
 * settings_free() must be called in any case. */
int settings_read(int deployment_fd, const char *file, struct setting *settings,
	const struct reporter *reporter);

/* Reports a wrong value; why is like "timeout is a number of seconds". Returns -1. */
int settings_refuse(
	const struct setting *setting, const char *why, const struct reporter *reporter);

void settings_free(struct setting *settings);
