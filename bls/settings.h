/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * settings: the small configuration file of a generator, out of the deployment that boots next.
 *
 * A line is NAME=VALUE; blanks around both do not count, the value is literal to the end of its
 * line, "#" starts a comment line. usr/lib/rootstock in the deployment holds what the image brings,
 * etc/rootstock what this machine says, line by line the stronger one. The configuration of the
 * running system is never read: an image is made on another machine, and an update brings its own.
 */
#pragma once

#include "bls/report.h"

struct setting {
	const char *name;
	char *value;   /* NULL where no file has the name */
	char *file;    /* where the value stands, for messages: a path in the deployment */
	unsigned line; /* in that file, counted from 1 */
};

/*
 * Fills in the values of the settings, of which the last one has no name, from the two files called
 * file. A name that is not among them is warned about. Returns 0, also when there is no file, or,
 * with the reason reported, -1; settings_free is due in any case.
 */
int settings_read(int deployment_fd, const char *file, struct setting *settings,
	const struct reporter *reporter);

/* Reports that a value is not what why asks for ("timeout is a number of seconds"); returns -1. */
int settings_refuse(
	const struct setting *setting, const char *why, const struct reporter *reporter);

void settings_free(struct setting *settings);
