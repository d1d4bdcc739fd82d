/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * accounts: users and groups whose numbers differ from those of the commit before.
 *
 * A device keeps its /var and /etc, whose files belong to numbers. If a build gives a user another
 * number, the update hands the user's files to somebody else.
 */
#pragma once

#include <ostree.h>

#include "ota/ledger.h"
#include "ota/tree.h"

/* Compares passwd(5) and group(5) of a tree with those of the last commit on the branch, if there is
 * one. Each user or group that has another number is refused, or with allow a warning. */
gboolean accounts_check(OstreeRepo *repo, const char *branch, struct node *root,
	struct ledger *ledger, gboolean allow, GError **error);
