/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * files: what the loader loads: the files that an entry names, and whether the kernel suits it.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "bls/check/subject.h"
#include "bls/loader.h"
#include "prepare-root/path.h"

enum files_kind { FILES_FILE, FILES_PROGRAM, FILES_DIRECTORY };

/* What is wrong with a path below a directory, as the end of a sentence; else NULL. */
const char *files_wrong(int dir_fd, const char *path, enum path_rule rule, enum files_kind kind);

/* Checks that each file of the entry is below ROOT/boot and not empty, and identifies the
 * kernel. */
void files_check(struct subject *subject);

/* Checks that a loader can start this kernel. */
void files_check_loader(struct subject *subject, const struct loader *loader);
