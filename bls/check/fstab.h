/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fstab: lines of a tree's /etc/fstab that fail at boot, or have an effect that one may not expect.
 *
 * At boot only /etc, /var, /run and what is mounted can be written to: the root of a deployment is
 * immutable. So a mount point that the tree does not have cannot be made, and systemd ends in its
 * emergency shell, unless the line has nofail or noauto (systemd.mount(5)).
 */
#pragma once

#include "bls/check/subject.h"

/* root is the value of root=, or NULL. */
void fstab_check(struct subject *subject, int deployment_fd, const char *root);
