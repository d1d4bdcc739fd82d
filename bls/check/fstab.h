/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fstab: lines of a tree's /etc/fstab that fail at boot, or have an effect that one may not expect.
 *
 * At boot only /etc, /var, /run, the physical root and what is mounted can be written to: the root
 * of a deployment is immutable, or read-only without "rw". So a mount point that the tree does not
 * have cannot be made, and systemd ends in its emergency shell, unless the line has nofail or noauto
 * (systemd.mount(5)). Other inits go on after a mount that fails.
 */
#pragma once

#include "bls/check/subject.h"
#include "prepare-root/facts.h"

/* facts are those of the deployment. root is the value of root=, or NULL. */
void fstab_check(
	struct subject *subject, int deployment_fd, const struct facts *facts, const char *root);
