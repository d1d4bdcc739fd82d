/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * var: what a root file system has in /var, for devices whose /var is their own.
 *
 * libostree before 2024.3 ignores what a commit has in /var, and later ones copy it into an empty
 * stateroot. So a commit's var is empty. Its content goes to usr/share/factory/var, from where a new
 * disk is filled, and a file for systemd-tmpfiles adds what an updated device lacks (tmpfiles.d(5)).
 */
#pragma once

#include "ota/layout.h"

/* Empties var. */
gboolean var_settle(struct layout *layout, GError **error);

/* Append a path, and the last field, to a line for systemd-tmpfiles. systemd 252 removes quotes from the
 * one and C escapes from the other only; newer ones do both to both. A path has no line feed. */
void var_add_path(GString *line, const char *path);
void var_add_argument(GString *line, const char *argument);
